"""The simulator's throughput against TFLite's reference interpreter: a ratio within one run, best of several each."""

from __future__ import annotations

import time

import pytest

from edgeq.api import compile_graph, load_model, quantize_model
from edgeq.simulate import simulate
from edgeq.target import load_board
from edgeq.verify import random_vectors
from tests import reference
from tests.e2e.zoo import int8_model, needs_zoo

# What an idle machine with two cores measures is above 10; other tests run beside this one.
AT_LEAST = 4.0
BATCH = 512


def best_of(repeats, function) -> float:
    """The shortest of several durations, in seconds."""
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        durations.append(time.perf_counter() - start)
    return min(durations)


def speed_ratio(name: str = "resnet8") -> float:
    """Inferences per second of the simulator, in batches, over those of the reference interpreter."""
    graph, _ = quantize_model(load_model(int8_model(name)), None)
    program = compile_graph(graph, load_board("mps2-an386").soc.cpu).program
    inputs = random_vectors(program, BATCH)
    library = reference.TFLITE
    interpreter = library.Interpreter(
        str(int8_model(name)), experimental_op_resolver_type=library.OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    place = interpreter.get_input_details()[0]["index"]

    def run_reference() -> None:
        for vector in inputs[0][:16]:
            interpreter.set_tensor(place, vector)
            interpreter.invoke()

    ours = best_of(6, lambda: simulate(program, inputs)) / BATCH
    return best_of(6, run_reference) / 16 / ours


@needs_zoo
@pytest.mark.xdist_group("zoo-resnet8")
def test_simulator_outruns_the_reference():
    assert speed_ratio() >= AT_LEAST


if __name__ == "__main__":
    for model in ("resnet8", "vww", "kws", "ad"):
        print(f"{model:8s} {speed_ratio(model):.1f} times the reference interpreter")
