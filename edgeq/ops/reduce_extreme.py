"""What REDUCE_MAX and REDUCE_MIN share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, activation_type, require
from edgeq.ops.mean import Reduction, reduced_axes, reduced_shape
from edgeq.ops.pooling import same_quantization


@dataclass(frozen=True)
class ReduceAttrs:
    keep_dims: bool = False


@dataclass(frozen=True)
class ReduceParams(Reduction):
    """The walk says it all, but for the elements' type."""

    dtype: str = "int8"


class ReduceExtreme(Op):
    """One of the reduced integers: operand and result share scale and zero point. Operands: the data, the axes.

    Attributes:
        choose: NumPy's reduction.
    """

    Attrs = ReduceAttrs
    Params = ReduceParams
    dtypes = (DType.INT8, DType.INT16)
    choose: ClassVar[Any]

    def infer(self, attrs: ReduceAttrs, x: Tensor, axis: Tensor) -> tuple[tuple[int, ...], ...]:
        axes = reduced_axes(axis, len(x.shape))
        require(all(x.shape[a] > 0 for a in axes), "an extreme of nothing is not defined")
        return (reduced_shape(x.shape, axes, attrs.keep_dims),)

    def quant_rule(self, attrs: ReduceAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(self, attrs: ReduceAttrs, x: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, ...]:
        axes = tuple(sorted({1 + int(a) % (x.ndim - 1) for a in np.ravel(axis)}))
        return (type(self).choose(x, axis=axes, keepdims=attrs.keep_dims),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, axis = graph.operands(node)
        (y,) = graph.results(node)
        dtype = activation_type(self, node.loc, x, y)
        same_quantization(x, y, node.loc, dtype)
        axes = reduced_axes(axis, len(x.shape))
        return Lowered(ReduceParams(x.shape, y.shape, axes, dtype.value), (x.name,))

    def simulate(self, p: ReduceParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        y = type(self).choose(x, axis=tuple(a + 1 for a in p.axes))
        return (y.reshape((x.shape[0], *p.output_shape)),)
