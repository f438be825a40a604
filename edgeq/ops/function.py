"""FUNCTION, edgeq's own operator: one of many functions of a number that TFLite has as chains of others or not at all.

For int8 all of them are a table, exact but for the rounding of its results. For int16 it is a table of every 128th
value, interpolated: where a function bends sharply or jumps, the corner is cut and the jump a slope over one to three
of 512 intervals. What is straight on either side of 0 is a requantization, exact but for its rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import quantize_multiplier
from edgeq.ir import DType, Tensor
from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.lookup import VALUES, Curve, InterpolatedParams, LookupParams, quotient
from edgeq.ops.rescaling import RescaleParams, rescaling

_SELU = (1.0507009873554805, 1.6732632423543772)


def _exponential_below_zero(x: np.ndarray, alpha: float, divisor: float = 1.0) -> np.ndarray:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / divisor))


def _power(x: np.ndarray, exponent: float) -> np.ndarray:
    """0 where there is no real power."""
    return np.nan_to_num(np.power(x, exponent), nan=0.0)


def _relu(x: np.ndarray, slope: float, most: float, threshold: float) -> np.ndarray:
    return np.where(x >= threshold, np.minimum(x, most), slope * (x - threshold))


#: name → function of float64 values and its parameters.
FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "celu": lambda x, alpha: _exponential_below_zero(x, alpha, alpha),
    "clip": lambda x, low, high: np.clip(x, low, high),
    "elu": _exponential_below_zero,
    "hard_shrink": lambda x, threshold: np.where(np.abs(x) > threshold, x, 0.0),
    "log_sigmoid": lambda x: -np.logaddexp(0.0, -x),
    "mish": lambda x: x * np.tanh(np.logaddexp(0.0, x)),
    "power": _power,
    "relu": _relu,
    "selu": lambda x: _SELU[0] * _exponential_below_zero(x, _SELU[1]),
    "soft_shrink": lambda x, threshold: np.sign(x) * np.maximum(np.abs(x) - threshold, 0.0),
    "softplus": lambda x: np.logaddexp(0.0, x),
    "softsign": lambda x: x / (1.0 + np.abs(x)),
    "sparse_plus": lambda x: np.where(x < 1, np.square(np.maximum(x + 1, 0)) / 4, x),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0.0, 1.0),
    "squareplus": lambda x, b: (x + np.sqrt(np.square(x) + b)) / 2,
    "tanh_shrink": lambda x: x - np.tanh(x),
    "threshold": lambda x, threshold, default: np.where(x > threshold, x, default),
}


@dataclass(frozen=True)
class FunctionAttrs:
    """name: one of FUNCTIONS. parameters: its numbers."""

    name: str
    parameters: tuple[float, ...] = ()


@register
class Function(Curve):
    name = "FUNCTION"
    Attrs = FunctionAttrs
    Params = (LookupParams, InterpolatedParams, RescaleParams)
    own = True

    def infer(self, attrs: FunctionAttrs, x: Tensor) -> tuple[tuple[int, ...], ...]:
        require(attrs.name in FUNCTIONS, f"the function {attrs.name!r} is not known")
        require(not any(map(math.isnan, attrs.parameters)), f"the parameters {attrs.parameters} are not numbers")
        return super().infer(attrs, x)

    def function(self, attrs: FunctionAttrs, x: np.ndarray, y: Tensor | None = None) -> np.ndarray:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            real = FUNCTIONS[attrs.name](x.astype(np.float64), *attrs.parameters)
        largest = np.finfo(np.float32).max
        return np.clip(real, -largest, largest).astype(np.float32)

    def wide(self, attrs: FunctionAttrs, x: Tensor, y: Tensor, where: str) -> InterpolatedParams | RescaleParams:
        factor = quantize_multiplier(quotient(x, y))
        if attrs.name == "clip":
            return rescaling(x, y, factor, bounds=attrs.parameters)
        if attrs.name == "relu" and attrs.parameters[2] == 0:
            slope, most, _ = attrs.parameters
            multiplier, shift = quantize_multiplier(quotient(x, y) * abs(slope))
            return rescaling(x, y, factor, (multiplier if slope >= 0 else -multiplier, shift), (-math.inf, most))
        return super().wide(attrs, x, y, where)

    def table(self, attrs: FunctionAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        with np.errstate(over="ignore"):
            return y.quant.quantize(self.function(attrs, x.quant.dequantize(VALUES)), DType.INT8)
