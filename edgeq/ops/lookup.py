"""Functions of one argument: of int8 all of them are a table of 256 results, of int16 one of 513 and interpolation,
or a requantization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from edgeq.fixedpoint import Dialect, quantize_multiplier, requantize, saturate
from edgeq.fixedpoint_tables import interpolate, interpolated_table, without_wrapping
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops.base import UNBOUNDED, Lowered, Op, activation_type, interval_range
from edgeq.ops.rescaling import RescaleParams, checked, rescale, rescaling

#: Every int8 value, in the order of a table.
VALUES = np.arange(-128, 128, dtype=np.int64)


@dataclass(frozen=True)
class LookupAttrs:
    """These operators have no attributes."""


@dataclass(frozen=True, eq=False)
class LookupParams:
    """table: int8 (256,), the results for −128 … 127. size: elements of the tensor."""

    size: int
    table: np.ndarray


@dataclass(frozen=True, eq=False)
class InterpolatedParams:
    """table: int16 (513,), the results for every 128th int16 value (`edgeq.fixedpoint_tables`). size: elements of the
    tensor."""

    size: int
    table: np.ndarray


class Lookup(Op):
    """Base of the operators that act on each element alone."""

    Attrs = LookupAttrs
    Params = (LookupParams, RescaleParams)

    def params_types(self) -> tuple[type, ...]:
        """A table alone where int8 is all."""
        return super().params_types() if DType.INT16 in self.dtypes else (LookupParams,)

    def infer(self, attrs: Any, x: Tensor) -> tuple[tuple[int, ...], ...]:
        return (x.shape,)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        (x,) = graph.operands(node)
        (y,) = graph.results(node)
        dtype = activation_type(self, node.loc, x, y)
        if dtype is not DType.INT8:
            params = self.wide(node.attrs, x, y, node.loc)
            return Lowered(checked(params, node.loc) if isinstance(params, RescaleParams) else params, (x.name,))
        table = self.table(node.attrs, x, y, node.loc)
        return Lowered(LookupParams(x.size, frozen_array(table, np.int8)), (x.name,))

    def wide(self, attrs: Any, x: Tensor, y: Tensor, where: str) -> Any:
        """Parameters for int16 operand and result, of operators whose `dtypes` have int16."""
        raise NotImplementedError

    def table(self, attrs: Any, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        """Results of −128 … 127 for int8 operand `x` and result `y`. Raises QuantizationError where TFLite refuses."""
        raise NotImplementedError

    def simulate(self, p: LookupParams | RescaleParams | InterpolatedParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        if isinstance(p, RescaleParams):
            return (rescale(p, x),)
        if isinstance(p, InterpolatedParams):
            return (interpolate(p.table, x).astype(np.int16),)
        # addressed by bit pattern: 0 … 127, then −128 … −1
        return (np.take(np.roll(p.table, -128), x.view(np.uint8)),)


def requantized(x: Tensor, y: Tensor, ratio: float, bounds: tuple[float, float] = UNBOUNDED) -> np.ndarray:
    """Every value of `x` in terms of `y`: clamp(requantize(value − zero point) + zero point), factor `ratio`."""
    _, zero_x = x.quant.per_tensor
    scale_y, zero_y = y.quant.per_tensor
    result = requantize(VALUES - zero_x, *quantize_multiplier(ratio)) + zero_y
    return saturate(result, *interval_range(bounds, scale_y, zero_y))


def quotient(x: Tensor, y: Tensor) -> float:
    """The operand's scale over the result's, a float32 quotient as TFLite's activations.cc computes it."""
    return float(x.quant.scale[0] / y.quant.scale[0])


class Clamp(Lookup):
    """Base of the activations that clamp: requantization to the result's scale, limited to the interval `bounds`."""

    dtypes = (DType.INT8, DType.INT16)
    bounds: ClassVar[tuple[float, float]]

    def wide(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> RescaleParams:
        return rescaling(x, y, quantize_multiplier(quotient(x, y)), bounds=self.bounds)

    def evaluate(self, attrs: LookupAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.clip(x, *self.bounds).astype(np.float32),)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        return requantized(x, y, quotient(x, y), self.bounds)


def tabulated(x: Tensor, y: Tensor, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """A real `function` of every value of `x`, in terms of `y` (TFLite's LUTPopulate).

    TFLite works in float32 throughout and rounds ties away from zero. `function` maps float32 to float32, each of its
    steps rounded to nearest: compute it in float64 and round, since NumPy's float32 functions are less exact than C's.
    """
    _, zero_x = x.quant.per_tensor
    _, zero_y = y.quant.per_tensor
    real = x.quant.scale[0] * (VALUES - zero_x).astype(np.float32)
    with np.errstate(over="ignore"):
        ratio = function(real) * (np.float32(1.0) / y.quant.scale[0])
    return saturate(np.sign(ratio) * np.floor(np.abs(ratio).astype(np.float64) + 0.5) + zero_y, -128, 127)


def interpolated(x: Tensor, y: Tensor, function: Callable[[np.ndarray], np.ndarray]) -> InterpolatedParams:
    """A real `function` as `tabulated` takes it, of int16 tensors: the table that TFLite computes in float32."""
    low, high = (x.quant.scale[0] * np.float32(end) for end in DType.INT16.range)
    table = interpolated_table(function, low, high, y.quant.scale[0], np.float32)
    return InterpolatedParams(x.size, frozen_array(table))


class Curve(Lookup):
    """Base of the operators that are a real function: tables in either type.

    Attributes:
        wraps: TFLite has the int16 table too, which wraps around between entries that are far apart.
    """

    wraps: ClassVar[bool] = False

    dtypes = (DType.INT8, DType.INT16)
    Params = (LookupParams, InterpolatedParams)

    def function(self, attrs: Any, x: np.ndarray, y: Tensor | None = None) -> np.ndarray:
        """float32 results of float32 values, each step rounded to nearest. y: the quantized result, where it decides
        what is said of arguments that the function is not defined for."""
        raise NotImplementedError

    def evaluate(self, attrs: Any, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (self.function(attrs, x),)

    def table(self, attrs: Any, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        return tabulated(x, y, lambda real: self.function(attrs, real, y))

    def wide(self, attrs: Any, x: Tensor, y: Tensor, where: str) -> Any:
        params = interpolated(x, y, lambda real: self.function(attrs, real, y))
        return params if self.wraps else replace(params, table=frozen_array(without_wrapping(params.table)))
