"""Rounding with straight-through gradients, in Keras operations."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from edgeq.quant.params import SMALLEST_SCALE


def round_through(x: Any) -> Any:
    """The nearest integer, ties away from zero as in TFLite's QUANTIZE; its gradient is that of x."""
    return straight_through(x, ops.sign(x) * ops.floor(ops.abs(x) + 0.5))


def straight_through(x: Any, value: Any) -> Any:
    """`value` itself, to the bit, with the gradient of x; x is finite."""
    return ops.stop_gradient(value) + (x - ops.stop_gradient(x))


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


def scaled_gradient(x: Any, factor: Any) -> Any:
    """x, whose gradient is multiplied by `factor`. The value is x itself, to the bit."""
    return straight_through(x * factor, x)


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
    """`fake_quant` with a step that has a gradient. After Esser et al., "Learned Step Size Quantization" (2020).

    With v = x/s, −Q_N = low − zero_point and Q_P = high − zero_point (the paper has Q_N = 2^(b−1) and Q_P = 2^(b−1)−1
    for signed values of b bits, 0 and 2^b−1 for unsigned ones), the result is round(clip(v, −Q_N, Q_P))·s, and its
    derivative by s ("step size gradient") is round(v) − v within the range, −Q_N below and Q_P above; by x it is 1
    within and 0 elsewhere. The former is scaled by g = 1/sqrt(N·Q_P) ("step size gradient scale"); with zero points
    that the paper does not know, of which Q_P could be 0, by the larger of Q_P and Q_N − 1.

    Args:
        step: s, positive; one, or one per channel in a shape that broadcasts against x.
        elements: N, weights that share a step, or values of the activation for one vector.
    """
    s = scaled_gradient(step, 1.0 / (elements * max(high - zero_point, zero_point - low - 1)) ** 0.5)
    ratio = ops.clip(_grained(x / s, grain), low - zero_point, high - zero_point)
    return (_integers(ratio, zero_point, raw_ties) - zero_point) * s


def two_levels(x: Any, step: Any, zero: int, elements: float) -> Any:
    """step · (b − zero), b = 1 where x reaches the threshold −zero · step and −1 elsewhere (`edgeq.ops.binary_inputs`).

    Its gradient is that of a learned step of these two integers: by x it is 1 between the two values and 0 elsewhere
    (the "straight-through estimator" of signs, clipped), by the step as `learned_step_quant`'s with Q_P = 1.

    Args:
        step: positive, one. zero: 0 or −1. elements: as `learned_step_quant`'s.
    """
    s = scaled_gradient(step, 1.0 / elements**0.5)
    ratio = ops.clip(x / s, -1 - zero, 1 - zero)
    return straight_through(ratio, ops.where(x >= -zero * step, 1.0, -1.0) - zero) * s


def multiple(factor: Any, unit: Any) -> Any:
    """unit · factor. Plain gradient descent by `factor` moves the product as descent by the product itself would.

    An optimizer such as Adam moves every variable by about its learning rate: a factor of 1 can stand that, a step of
    0.01 could not.
    """
    return scaled_gradient(factor, 1.0 / unit**2) * unit


class Positive(keras.constraints.Constraint):
    """Keeps steps above 0."""

    def __call__(self, step: Any) -> Any:
        return ops.maximum(step, 1e-8)
