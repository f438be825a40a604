"""Rounding with straight-through gradients, in Keras operations."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from edgeq.quant.params import SMALLEST_SCALE


def round_through(x: Any) -> Any:
    """The nearest integer, ties away from zero as in TFLite's QUANTIZE; its gradient is that of x."""
    nearest = ops.sign(x) * ops.floor(ops.abs(x) + 0.5)
    return x + ops.stop_gradient(nearest - x)


def fake_quant(
    x: Any, scale: Any, zero_point: Any, low: int, high: int, grain: Any = None, *, raw_ties: bool = False
) -> Any:
    """scale · (q − zero_point), where q is x's integer within [low, high]; no gradient where it saturates.

    Args:
        grain: x is rounded to such parts of a step before, where that is not None: powers of two, one per channel.
        raw_ties: ties go away from the integer 0, not from the real one.
    """
    q = _integers(_grained(x / scale, grain), zero_point, raw_ties)
    return (ops.clip(q, low, high) - zero_point) * scale


def _integers(ratio: Any, zero_point: Any, raw_ties: bool) -> Any:
    return round_through(ratio + zero_point) if raw_ties else round_through(ratio) + zero_point


def _grained(ratio: Any, grain: Any) -> Any:
    # times a power of two is exact: a tie of the second rounding stays one
    return ratio if grain is None else round_through(ratio / grain) * grain


def affine(low: Any, high: Any, least: int, most: int, *, symmetric: bool) -> tuple[Any, Any]:
    """(scale, zero point) of a range, as `edgeq.quant.params.affine_params`, in float32."""
    low, high = ops.minimum(low, 0.0), ops.maximum(high, 0.0)
    if symmetric:
        scale = ops.maximum(-low, high) / most
        return ops.where(scale > SMALLEST_SCALE, scale, 1.0), ops.zeros_like(scale)
    scale = (high - low) / (most - least)
    scale = ops.where(scale > SMALLEST_SCALE, scale, 1.0)
    return scale, ops.clip(ops.floor(least - low / scale + 0.5), least, most)


def scaled_gradient(x: Any, factor: float) -> Any:
    """x, whose gradient is multiplied by `factor`. The value is x itself, to the bit."""
    small = x * factor
    return ops.stop_gradient(x) + (small - ops.stop_gradient(small))


def learned_step_quant(
    x: Any,
    step: Any,
    zero_point: int,
    low: int,
    high: int,
    elements: float,
    grain: Any = None,
    *,
    raw_ties: bool = False,
) -> Any:
    """`fake_quant` with a step that has a gradient: round(x/s) − x/s inside of the range, the range's end outside,
    times 1/sqrt(elements · largest integer). After Esser et al., "Learned Step Size Quantization" (2020), section 2.

    Args:
        step: positive; one, or one per channel in a shape that broadcasts against x.
        elements: values that share a step.
    """
    s = scaled_gradient(step, 1.0 / (elements * (high - zero_point)) ** 0.5)
    ratio = ops.clip(_grained(x / s, grain), low - zero_point, high - zero_point)
    return (_integers(ratio, zero_point, raw_ties) - zero_point) * s


class Positive(keras.constraints.Constraint):
    """Keeps steps above 0."""

    def __call__(self, step: Any) -> Any:
        return ops.maximum(step, 1e-8)
