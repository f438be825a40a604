"""Recurrent layers, whole: sequences, last states, states that live across inferences, both directions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.layers.activation import activation_name
from edgeq.importers.keras.layers.shaping import reshape_to
from edgeq.importers.keras.rules import Config, Layer, WeightNames, find_rule, integers, rule
from edgeq.ops.unidirectional_sequence_lstm import BIASES, CELL_STATE, HIDDEN_STATE, RECURRENT, WEIGHTS


@dataclass(frozen=True)
class Cell:
    """One kind of recurrent layer.

    Attributes:
        gates: how many. states: their names, the hidden state first. activations: by configuration key.
        build: (layer, weights, sequence, states or nothing) → the names of the results, as its operator has them.
    """

    gates: int
    states: tuple[str, ...]
    activations: Mapping[str, str]
    build: Callable[..., tuple[str, ...]]


def _weights(config: Config) -> WeightNames:
    names = ("kernel", "recurrent_kernel", "bias") if config.get("use_bias", True) else ("kernel", "recurrent_kernel")
    return WeightNames(tuple(f"cell/{name}" for name in names))


def _checked(cell: Cell) -> Callable[[Config], str]:
    def check(config: Config) -> str:
        for key, wanted in cell.activations.items():
            name = activation_name(config.get(key, wanted))
            if name != wanted:
                return f"{key} {name!r}; its integers are for {wanted!r}: train it with that"
        if config.get("time_major"):
            return "time_major=True; transpose its input instead"
        return ""

    return check


def _matrices(layer: Layer, cell: Cell, depth: int) -> tuple[int, np.ndarray, np.ndarray]:
    """(units, kernel (depth, gates · units), recurrent kernel), checked."""
    (units,) = integers(layer.config, "units", 1)
    rows = cell.gates * units
    return units, layer.weight("cell/kernel", (depth, rows)), layer.weight("cell/recurrent_kernel", (units, rows))


def _lstm(layer: Layer, cell: Cell, x: str, states: tuple[str, ...]) -> tuple[str, ...]:
    units, kernel, recurrent = _matrices(layer, cell, layer.shape(x)[-1])
    bias = layer.weight("cell/bias", (4 * units,)) if "cell/bias" in layer.weights else np.zeros(4 * units)
    operands = [x] + [""] * CELL_STATE
    for gate, name in enumerate(("input", "forget", "cell", "output")):
        part = slice(gate * units, (gate + 1) * units)
        for place, kind, values in (
            (WEIGHTS, "kernel", kernel[:, part].T),
            (RECURRENT, "recurrent_kernel", recurrent[:, part].T),
            (BIASES, "bias", bias[part]),
        ):
            operands[place + gate] = layer.constant(f"{name}/{kind}", values)
    if states:
        operands[HIDDEN_STATE], operands[CELL_STATE] = states
    sequences = layer.config.get("return_sequences") is True
    return layer.emit_all("UNIDIRECTIONAL_SEQUENCE_LSTM", tuple(operands), ("hidden", "cell"), sequences=sequences)


def _own(layer: Layer, cell: Cell, x: str, states: tuple[str, ...]) -> tuple[str, ...]:
    units, kernel, recurrent = _matrices(layer, cell, layer.shape(x)[-1])
    rows = cell.gates * units
    reset_after = cell.gates == 3 and layer.config.get("reset_after", layer.major > 2) is True
    bias = np.zeros((2, rows))
    if "cell/bias" in layer.weights:
        given = layer.weight("cell/bias", (2, rows) if reset_after else (rows,))
        bias = given if reset_after else np.stack([given, np.zeros(rows)])
    constants = (
        layer.constant("kernel", kernel.T),
        layer.constant("recurrent_kernel", recurrent.T),
        layer.constant("bias", bias[0]),
        layer.constant("recurrent_bias", bias[1]),
    )
    return layer.emit_all(
        "GRU" if cell.gates == 3 else "SIMPLE_RNN",
        (x, *constants, *states),
        ("hidden",),
        sequences=layer.config.get("return_sequences") is True,
        reset_after=reset_after,
    )


_GATED = {"activation": "tanh", "recurrent_activation": "sigmoid"}
_CELLS = {
    "LSTM": Cell(4, ("hidden", "cell"), _GATED, _lstm),
    "GRU": Cell(3, ("hidden",), _GATED, _own),
    "SimpleRNN": Cell(1, ("hidden",), {"activation": "tanh"}, _own),
}


def _reversed(layer: Layer, x: str, part: str) -> str:
    return layer.emit("REVERSE_V2", (x, layer.constant("axis", np.int32([1]))), part) if layer.shape(x)[1] > 1 else x


def _run(layer: Layer, cell: Cell, x: str, given: tuple[str, ...]) -> tuple[str, ...]:
    """(the layer's result, its last states)."""
    if len(layer.shape(x)) != 3:
        raise ModelError(f"needs sequences of vectors, has shape {list(layer.shape(x))}", where=layer.name)
    if given and len(given) != len(cell.states):
        raise ModelError(f"called with {len(given)} initial states, it has {len(cell.states)}", where=layer.name)
    if layer.config.get("go_backwards"):
        x = _reversed(layer, x, "backwards")
    stateful = layer.config.get("stateful") is True
    (units,) = integers(layer.config, "units", 1)
    names = [f"{layer.owner or layer.name}/{state}_state" for state in cell.states]
    if stateful and not given:
        given = tuple(layer.builder.state(name, (layer.shape(x)[0], units)) for name in names)
    result, *after = cell.build(layer, cell, x, given)
    if stateful:
        for name, value in zip(names, after, strict=True):
            layer.builder.state(name, layer.shape(value))
            layer.builder.carry(name, value)
    return (result, *after)


def _define(kind: str, cell: Cell) -> None:
    @rule(kind, weights=_weights, check=_checked(cell))
    def recurrent(layer: Layer, x: str, *states: str) -> tuple[str, ...]:
        """The hidden states of all steps, or of the last one; where it returns its state, that too."""
        results = _run(layer, cell, x, states)
        return results if layer.config.get("return_state") else results[:1]


for _kind, _cell in _CELLS.items():
    _define(_kind, _cell)


# --- both directions -------------------------------------------------------------------------------------------------

_MERGES = {"concat": "CONCATENATION", "sum": "ADD", "ave": "ADD", "mul": "MUL", None: ""}
_DIRECTIONS = ("forward_layer", "backward_layer")


def _directions(config: Config) -> tuple[tuple[str, Config], tuple[str, Config]]:
    """(class, configuration) of the layers that go forwards and backwards."""
    forward = config["layer"]
    backward = config.get("backward_layer")
    first = (str(forward["class_name"]), dict(forward["config"]))
    if backward is None:
        turned = {**first[1], "go_backwards": not first[1].get("go_backwards", False)}
        return first, (first[0], turned)
    return first, (str(backward["class_name"]), dict(backward["config"]))


def _check_bidirectional(config: Config) -> str:
    try:
        layers = _directions(config)
    except (KeyError, TypeError, ValueError, AttributeError):
        return "a damaged configuration"
    for kind, inner in layers:
        if kind not in _CELLS:
            return f"a layer of class {kind}"
        reason = find_rule(kind).check(inner)
        if reason:
            return f"a {kind} with {reason}"
    if layers[0][1].get("return_sequences") != layers[1][1].get("return_sequences"):
        return "directions of which only one returns sequences"
    mode = config.get("merge_mode", "concat")
    return "" if mode in _MERGES else f"merge mode {mode!r}"


def _bidirectional_weights(config: Config) -> WeightNames:
    try:
        layers = _directions(config)
    except (KeyError, TypeError, ValueError, AttributeError):
        return WeightNames()
    return WeightNames(
        tuple(
            f"{direction}/{name}"
            for direction, (_, inner) in zip(_DIRECTIONS, layers, strict=True)
            for name in _weights(inner).trainable
        )
    )


@rule("Bidirectional", weights=_bidirectional_weights, check=_check_bidirectional)
def bidirectional(layer: Layer, x: str, *states: str) -> tuple[str, ...]:
    """A layer over the sequence and one from its end to its start, whose results are brought back into order."""
    results, after = [], []
    for index, (direction, (kind, config)) in enumerate(zip(_DIRECTIONS, _directions(layer.config), strict=True)):
        inner = layer.part(direction, config, f"{direction}/")
        half = len(states) // 2
        result, *last = _run(inner, _CELLS[kind], x, states[index * half : (index + 1) * half])
        if index == 1 and config.get("return_sequences"):
            result = _reversed(inner, result, "in_order")
        results.append(result)
        after += last if config.get("return_state") else []
    mode = layer.config.get("merge_mode", "concat")
    if mode is None:
        return (*results, *after)
    if mode == "concat":
        merged = layer.emit("CONCATENATION", tuple(results), axis=-1)
    elif mode == "ave":
        half = layer.constant("half", np.full(1, 0.5))
        merged = layer.emit("MUL", (layer.emit("ADD", tuple(results), "sum"), half))
    else:
        merged = layer.emit(_MERGES[mode], tuple(results))
    return (merged, *after)


# --- each step by itself ---------------------------------------------------------------------------------------------


def _inner(config: Config) -> tuple[str, Config]:
    inner = config["layer"]
    return str(inner["class_name"]), dict(inner["config"])


def _check_distributed(config: Config) -> str:
    try:
        kind, inner = _inner(config)
    except (KeyError, TypeError, ValueError, AttributeError):
        return "a damaged configuration"
    known = find_rule(kind)
    if known is None or kind in (*_CELLS, "Bidirectional", "TimeDistributed"):
        return f"a layer of class {kind}"
    reason = known.check(inner)
    return f"a {kind} with {reason}" if reason else ""


def _distributed_weights(config: Config) -> WeightNames:
    try:
        kind, inner = _inner(config)
    except (KeyError, TypeError, ValueError, AttributeError):
        return WeightNames()
    known = find_rule(kind)
    names = known.weights(inner) if known is not None else WeightNames()
    return WeightNames(*(tuple(f"layer/{name}" for name in each) for each in (names.trainable, names.frozen)))


@rule("TimeDistributed", weights=_distributed_weights, check=_check_distributed)
def time_distributed(layer: Layer, x: str) -> str:
    """The steps become the batch of the inner layer."""
    kind, config = _inner(layer.config)
    inner = layer.part("step", config, "layer/")
    shape = layer.shape(x)
    if len(shape) < 3:
        raise ModelError(f"needs a sequence, has shape {list(shape)}", where=layer.name)
    if kind == "Flatten":
        return reshape_to(layer, x, (*shape[:2], math.prod(shape[2:])))
    steps = reshape_to(layer, x, shape[1:], "steps")
    result: Any = find_rule(kind).build(inner, steps)
    found = layer.shape(result)
    if found[0] != shape[1]:
        raise ModelError(f"{kind} joins what belongs to different steps", where=layer.name)
    return reshape_to(layer, result, (1, *found))
