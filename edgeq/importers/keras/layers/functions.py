"""Functions of `keras.ops` that are one operator each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.layers.activation import function
from edgeq.importers.keras.rules import Config, Layer, number, rule

# of one tensor, element by element
_FUNCTIONS = {
    "Absolute": "ABS",
    "Ceil": "CEIL",
    "Cos": "COS",
    "Exp": "EXP",
    "Floor": "FLOOR",
    "Log": "LOG",
    "Negative": "NEG",
    "Round": "ROUND",
    "Rsqrt": "RSQRT",
    "Sin": "SIN",
    "Sqrt": "SQRT",
    "Square": "SQUARE",
}


def _function(op: str) -> Callable[[Layer, str], str]:
    def build(layer: Layer, x: str) -> str:
        return layer.emit(op, (x,))

    return build


def _check_round(config: Config) -> str:
    return "" if config.get("decimals", 0) == 0 else f"{config['decimals']!r} decimals; integers can be computed"


for _kind, _op in _FUNCTIONS.items():
    rule(f"ops.{_kind}", check=_check_round if _kind == "Round" else None)(_function(_op))


# activations that are functions of `keras.ops` too: class → name, and the names of their numbers
_ACTIVATIONS = {
    "Celu": ("celu", ("alpha",)),
    "HardShrink": ("hard_shrink", ("threshold",)),
    "LogSigmoid": ("log_sigmoid", ()),
    "Selu": ("selu", ()),
    "SoftShrink": ("soft_shrink", ("threshold",)),
    "Softplus": ("softplus", ()),
    "Softsign": ("softsign", ()),
    "SparsePlus": ("sparse_plus", ()),
    "SparseSigmoid": ("sparse_sigmoid", ()),
    "Squareplus": ("squareplus", ("b",)),
    "TanhShrink": ("tanh_shrink", ()),
    "Threshold": ("threshold", ("threshold", "default_value")),
}
_DEFAULTS = {"alpha": 1.0, "threshold": 0.5, "b": 4.0, "default_value": 0.0}


def _activation(name: str, numbers: tuple[str, ...]) -> Callable[[Layer, str], str]:
    def build(layer: Layer, x: str) -> str:
        return function(layer, x, name, *(number(layer.config, key, _DEFAULTS[key]) for key in numbers))

    return build


for _kind, _form in _ACTIVATIONS.items():
    rule(f"ops.{_kind}")(_activation(*_form))


@rule("ops.HardTanh")
def ops_hard_tanh(layer: Layer, x: str) -> str:
    return layer.emit("RELU_N1_TO_1", (x,))


@rule("ops.Clip")
def ops_clip(layer: Layer, x: str) -> str:
    """An operator of its own for the usual intervals."""
    bounds = number(layer.config, "x_min", 0.0), number(layer.config, "x_max", 0.0)
    plain = {(0.0, 6.0): "RELU6", (0.0, 1.0): "RELU_0_TO_1", (-1.0, 1.0): "RELU_N1_TO_1"}.get(bounds)
    return layer.emit(plain, (x,)) if plain else function(layer, x, "clip", *bounds)


@rule("ops.Reciprocal")
def ops_reciprocal(layer: Layer, x: str) -> str:
    return function(layer, x, "power", -1.0)


@rule("ops.Power")
def ops_power(layer: Layer, x: str, exponent: str) -> str:
    constant = layer.builder.tensors[exponent].data
    if constant is None or constant.size != 1:
        raise ModelError("only powers with one constant exponent can be computed", where=layer.name)
    value = float(constant.ravel()[0])
    return layer.emit("SQUARE", (x,)) if value == 2 else function(layer, x, "power", value)


def _check_cumsum(config: Config) -> str:
    return "" if isinstance(config.get("axis"), int) else "no axis"


@rule("ops.Cumsum", check=_check_cumsum)
def ops_cumsum(layer: Layer, x: str) -> str:
    return layer.emit("CUMSUM", (x, layer.constant("axis", np.int32(_along(layer, x)))))


def _along(layer: Layer, x: str) -> int:
    """The axis, which is not that of the batch."""
    rank, axis = len(layer.shape(x)), layer.config["axis"]
    if not -rank < axis < rank or axis == 0:
        raise ModelError(f"axis {axis} cannot be summed along in {rank} dimensions", where=layer.name)
    return axis


def _check_normalize(config: Config) -> str:
    if config.get("axis", -1) not in (-1, [-1]):
        return "an axis other than the last"
    return "" if config.get("order", 2) == 2 else f"order {config['order']!r}; 2 can be computed"


@rule("ops.Normalize", check=_check_normalize)
def ops_normalize(layer: Layer, x: str) -> str:
    return layer.emit("L2_NORMALIZATION", (x,))


@rule("ops.TrueDivide", "ops.Divide")
def divide(layer: Layer, a: str, b: str) -> str:
    """By a constant it is a product."""
    divisor = layer.builder.tensors[b].data
    if divisor is None:
        return layer.emit("DIV", (a, b))
    if np.any(divisor == 0):
        raise ModelError("a division by 0", where=layer.name)
    return layer.emit("MUL", (a, layer.constant("reciprocal", 1 / divisor)))
