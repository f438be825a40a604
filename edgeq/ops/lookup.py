"""Functions of one int8 argument: all of them are a table of 256 results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgeq.fixedpoint import Dialect, quantize_multiplier, requantize, saturate
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops.base import UNBOUNDED, Lowered, Op, activation_type, interval_range
from edgeq.ops.rescaling import RescaleParams, rescale, rescaling

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
            return Lowered(self.wide(node.attrs, x, y, node.loc), (x.name,))
        table = self.table(node.attrs, x, y, node.loc)
        return Lowered(LookupParams(x.size, frozen_array(table, np.int8)), (x.name,))

    def wide(self, attrs: Any, x: Tensor, y: Tensor, where: str) -> Any:
        """Parameters for int16 operand and result, of operators whose `dtypes` have int16."""
        raise NotImplementedError

    def table(self, attrs: Any, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        """Results of −128 … 127 for int8 operand `x` and result `y`. Raises QuantizationError where TFLite refuses."""
        raise NotImplementedError

    def simulate(self, p: LookupParams | RescaleParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        if isinstance(p, RescaleParams):
            return (rescale(p, x),)
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
