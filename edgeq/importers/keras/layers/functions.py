"""Functions of `keras.ops` that are one operator each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.rules import Config, Layer, rule

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
