"""Ranges that follow the input: where a level drifts by 60 dB, static int8 loses what adaptive keeps."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq import api
from edgeq.ops.adaptive_quantize import UNSET
from edgeq.quant.evaluate import run
from edgeq.simulate import reset, trace
from edgeq.target import load_board
from edgeq.vectors import program_inputs

from .integers import sqnr
from .test_run_time import without_biases

CPU = load_board("mps2-an386").soc.cpu
FRAMES = 160


@pytest.fixture(scope="module")
def stream() -> np.ndarray:
    """Frames whose level falls by 40 dB, stays, and rises by 60 dB, with a jump of 20 dB in between."""
    rng = np.random.default_rng(8)
    decibels = np.concatenate(
        [np.linspace(0, -40, 60), np.full(20, -40.0), np.full(20, -20.0), np.linspace(-20, 20, 60)]
    )
    x = rng.normal(size=(FRAMES, 1, 6, 6, 3)) * 10 ** (decibels / 20)[:, np.newaxis, np.newaxis, np.newaxis, np.newaxis]
    return x.astype(np.float32)


def quantized(scheme: str, folder) -> tuple:
    """(float graph, program): calibrated at 0 dB, where the scheme is."""
    graph = without_biases()
    np.savez(folder / "data.npz", in0=np.random.default_rng(9).normal(size=(64, 6, 6, 3)).astype(np.float32))
    integer, _ = api.quantize_model(graph, folder / "data.npz", scheme=scheme)
    return graph, api.compile_graph(integer, CPU).program


def frame_by_frame(program, x: np.ndarray) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """Real outputs, and what the states hold after each frame."""
    (integers,) = program_inputs(program, [x])
    memory, states, outputs = reset(program), [], []
    for frame in range(len(x)):
        *_, (_, results) = trace(program, [integers[frame : frame + 1]], memory)
        outputs.append(program.tensors[program.outputs[0]].quant.dequantize(results[0]))
        states.append({name: value[0].copy() for name, value in memory.items()})
    return np.concatenate(outputs), states


def per_frame(exact: np.ndarray, found: np.ndarray) -> np.ndarray:
    """SQNR in dB of every frame."""
    return np.array([sqnr(a, b) for a, b in zip(exact, found, strict=True)])


def test_adaptive_holds_where_static_int8_loses(stream, tmp_path):
    quality = {}
    for scheme in ("int8", "dynamic", "adaptive"):
        graph, program = quantized(scheme, tmp_path)
        exact = run(graph, {"in0": stream})[graph.outputs[0]]
        quality[scheme] = per_frame(exact, frame_by_frame(program, stream)[0].reshape(exact.shape))
    for scheme, found in quality.items():
        print(f"{scheme}: median {np.median(found):.1f} dB, nine of ten frames above {np.percentile(found, 10):.1f} dB")
    assert np.percentile(quality["adaptive"], 10) > 20
    assert np.median(quality["adaptive"]) > 28
    assert np.percentile(quality["int8"], 10) < 3
    assert np.median(quality["int8"]) < 20
    assert np.median(quality["dynamic"]) >= np.median(quality["adaptive"])


def test_levels_follow_up_at_once_and_down_in_time(stream, tmp_path):
    _, program = quantized("adaptive", tmp_path)
    _, states = frame_by_frame(program, stream)
    (name,) = (s.name for s in program.states if s.name.startswith("in0"))
    assert [s.initial[0] for s in program.states] == [UNSET] * len(program.states)
    level = np.array([s[name][0] for s in states])
    saturated = np.array([s[name][3] for s in states])
    # 40 dB are 6.6 levels
    assert level[0] - level[79] in (6, 7)
    # the jump saturates one frame, and raises the level behind it by all that it needs
    assert saturated[80] > 0 and level[80] - level[79] in (3, 4) and np.all(saturated[82:100] <= 3)
    assert level[-1] - level[79] in (9, 10, 11)
    # nothing saturates but where the level rises
    assert np.all((np.diff(level) > 0) == (saturated[1:] > 0))


def test_silence_changes_nothing(stream, tmp_path):
    _, program = quantized("adaptive", tmp_path)
    silent = np.concatenate([stream[:5], np.zeros_like(stream[:30]), stream[5:8]])
    _, states = frame_by_frame(program, silent)
    (name,) = (s.name for s in program.states if s.name.startswith("in0"))
    assert len({int(s[name][0]) for s in states[5:35]}) == 1
    _, begun_in_silence = frame_by_frame(program, np.zeros_like(stream[:3]))
    assert all(s[name][0] == UNSET for s in begun_in_silence)
