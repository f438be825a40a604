"""What int16 layers compute otherwise than their formula says, by more than half a step, in Keras operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from edgeq.ops.sigmoid16 import TABLE


def gain(factor: Any) -> Any:
    """How much larger than the factor between the scales, a positive one, that one is which 64-bit sums are
    multiplied with: its mantissa has 15 bits (`edgeq.fixedpoint.reduced_multipliers`). Off by 2^−15 at most."""
    exponent = ops.floor(ops.log2(factor)) + 1
    mantissa = factor / ops.power(2.0, exponent)
    return ops.stop_gradient(ops.minimum(ops.floor(mantissa * 2.0**15 + 0.5), 32767.0) / 2.0**15 / mantissa)


def _argument(x: Any, scale: Any) -> Any:
    """x in whole units of 1/(3 · 4096), as `edgeq.ops.sigmoid16` has it: the factor from steps has 15 bits, cut off."""
    # float32 does not hold products of 30 bits
    x, scale = ops.cast(x, "float64"), ops.cast(scale, "float64")
    factor = scale * (3 * 4096.0)
    bits = ops.clip(14 - ops.floor(ops.log2(factor)), 0.0, 31.0)
    bits = ops.where(factor * ops.power(2.0, bits) > 32767.0, bits - 1, bits)
    unit = ops.power(2.0, ops.maximum(bits, 0.0))
    return ops.floor(ops.round(x / scale) * (ops.floor(factor * unit) / unit) + 0.5)


def _interpolated(magnitude: Any, bits: int, saturated: float) -> Any:
    """The sigmoid at magnitude / (24 · 2^bits), in parts of 2^16."""
    place = ops.floor(magnitude / 2.0**bits)
    inside = ops.cast(ops.minimum(place, 254.0), "int32")
    below, above = (ops.take(ops.convert_to_tensor(t, "float64"), inside) for t in (TABLE[:-1], TABLE[1:]))
    y = below + (magnitude / 2.0**bits - place) * (above - below)
    return ops.where(place >= 255, saturated, y)


def logistic(x: Any, scale: Any) -> Any:
    """What LOGISTIC of int16 gives: multiples of 2^−15."""
    argument = _argument(x, scale)
    y = _interpolated(ops.abs(argument), 9, 2.0**16 - 2) / 2
    rounded = ops.floor(ops.where(argument >= 0, y + 0.5, 2.0**15 - y + 0.5 - 2.0**-10))
    return ops.cast(rounded / 2.0**15, "float32")


def tanh(x: Any, scale: Any) -> Any:
    """What TANH of int16 gives: multiples of 2^−15."""
    argument = _argument(x, scale)
    y = _interpolated(ops.abs(argument), 8, 2.0**16 - 1) - 2.0**15
    return ops.cast(ops.floor(ops.where(argument >= 0, y + 0.5, -y + 0.5 - 2.0**-8)) / 2.0**15, "float32")


#: By operator: (operand, its scale) → the result.
TABULATED: dict[str, Callable[[Any, Any], Any]] = {"LOGISTIC": logistic, "TANH": tanh}
