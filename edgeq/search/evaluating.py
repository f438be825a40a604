"""What one recipe makes of a model, without a compiler: accuracy in the integer simulator, and memory."""

from __future__ import annotations

import functools
import pickle
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from edgeq.compiling import compile_graph, quantize_model, reduced
from edgeq.errors import EdgeqError
from edgeq.evaluation import Evaluation, accuracy, powers, quality
from edgeq.ir import Graph
from edgeq.lower import layer_names
from edgeq.quant.recipes import parse_recipe
from edgeq.simulate import simulate
from edgeq.target import load_board
from edgeq.vectors import program_inputs


@dataclass(frozen=True)
class Setup:
    """What every evaluation shares.

    Attributes:
        graph: the float model. calibration: float32 (n, *shape) by input name. board: its name.
    """

    graph: Graph
    calibration: Mapping[str, np.ndarray]
    evaluation: Evaluation
    board: str

    def packed(self) -> bytes:
        """For other processes."""
        return pickle.dumps(self)


@dataclass(frozen=True)
class Layer:
    """A call of the program: its name there, the model's layer that it comes from, elements of its result."""

    name: str
    loc: str
    op: str
    size: int


@dataclass(frozen=True)
class Outcome:
    """What a recipe gives.

    Attributes:
        noise: power of the outputs' error relative to the float model's outputs.
        quality: accuracy on the labels, or agreement with the float model where there are none; None for a single
            output value.
        arena: bytes of tensors and scratch. peak: the layer during which most are in use.
        problem: why the recipe cannot be had; then nothing else is known.
    """

    noise: float = float("inf")
    quality: float | None = None
    arena: int = 0
    peak: str = ""
    layers: tuple[Layer, ...] = ()
    problem: str = ""


def evaluate(setup: Setup, recipe: str) -> Outcome:
    """Quantizes, lowers, plans and simulates.

    Args:
        recipe: TOML.

    The same in every process: matrix products run in one thread, so that they sum in one order.
    """
    cpu = load_board(setup.board).soc.cpu
    with threadpool_limits(limits=1):
        try:
            plan = parse_recipe(tomllib.loads(recipe))
            integer, _ = quantize_model(setup.graph, setup.calibration, recipe=plan)
            integer = reduced(integer)
            compiled = compile_graph(integer, cpu)
        except EdgeqError as error:
            return Outcome(problem=str(error))
        program = compiled.program
        inputs = program_inputs(program, [setup.evaluation.inputs[name] for name in program.inputs])
        outputs = dict(zip(program.outputs, simulate(program, inputs), strict=True))
    real = {name: program.tensors[name].quant.dequantize(values) for name, values in outputs.items()}
    signal, error = powers(setup.evaluation, real)
    found = accuracy(setup.evaluation, real)
    origin = dict(zip(layer_names(integer), (node.loc for node in integer.nodes), strict=True))
    layers = tuple(
        Layer(c.name, origin.get(c.name, ""), c.op, program.tensors[c.outputs[0]].size) for c in program.calls
    )
    return Outcome(
        noise=error / signal if signal else error,
        quality=quality(found),
        arena=compiled.plan.total_bytes,
        peak=origin.get(compiled.plan.peak_call, compiled.plan.peak_call),
        layers=layers,
    )


@functools.lru_cache(maxsize=1)
def unpacked(packed: bytes) -> Setup:
    return pickle.loads(packed)


def evaluate_packed(recipe: str, packed: bytes) -> Outcome:
    """`evaluate` in a process that is handed the setup as bytes, which it unpacks once."""
    return evaluate(unpacked(packed), recipe)
