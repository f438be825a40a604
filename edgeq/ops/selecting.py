"""What SELECT and SELECT_V2 share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.errors import ModelError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule
from edgeq.ops.broadcast import align, strides
from edgeq.ops.integers import of_type
from edgeq.ops.movement import MOVABLE
from edgeq.ops.pooling import same_values


@dataclass(frozen=True)
class SelectAttrs:
    """These operators have no attributes."""


@dataclass(frozen=True)
class SelectParams:
    """itemsize: bytes of an element."""

    condition_shape: tuple[int, ...]
    input1_shape: tuple[int, ...]
    input2_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    itemsize: int

    @property
    def strides0(self) -> tuple[int, ...]:
        """The condition's; all strides count elements."""
        return strides(self.condition_shape, self.output_shape)

    @property
    def strides1(self) -> tuple[int, ...]:
        return strides(self.input1_shape, self.output_shape)

    @property
    def strides2(self) -> tuple[int, ...]:
        return strides(self.input2_shape, self.output_shape)


class Selecting(Op):
    """An element of the second operand where the first, a bool, is true, else of the third. Both and the result share
    scale and zero point."""

    Attrs = SelectAttrs
    Params = SelectParams
    dtypes = MOVABLE

    def condition(self, shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
        """The shape under which a condition broadcasts against operands of `rank` axes."""
        return shape

    def infer(self, attrs: SelectAttrs, condition: Tensor, a: Tensor, b: Tensor) -> tuple[tuple[int, ...], ...]:
        which = self.condition(condition.shape, len(a.shape))
        try:
            return (np.broadcast_shapes(which, a.shape, b.shape),)
        except ValueError:
            shapes = " and ".join(str(list(s)) for s in (condition.shape, a.shape, b.shape))
            raise ModelError(f"shapes {shapes} do not broadcast") from None

    def quant_rule(self, attrs: SelectAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(
        self, attrs: SelectAttrs, condition: np.ndarray, a: np.ndarray, b: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        which = condition.reshape(condition.shape[0], *self.condition(condition.shape[1:], a.ndim - 1))
        return (_where(which, a, b, max(which.ndim, a.ndim, b.ndim) - 1),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        condition, a, b = graph.operands(node)
        (y,) = graph.results(node)
        of_type(condition, (DType.BOOL,), node.loc)
        same_values(a, y, node.loc)
        dtype = same_values(b, y, node.loc)
        if all(t.is_constant for t in (condition, a, b)):
            raise ModelError("all operands are constants", where=node.loc, hint="fold the constants")
        which = self.condition(condition.shape, len(a.shape))
        params = SelectParams(which, a.shape, b.shape, y.shape, dtype.itemsize)
        return Lowered(params, (condition.name, a.name, b.name))

    def simulate(self, p: SelectParams, condition: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        return (_where(condition.reshape(condition.shape[0], *p.condition_shape), a, b, len(p.output_shape)),)


def _where(condition: np.ndarray, a: np.ndarray, b: np.ndarray, rank: int) -> np.ndarray:
    return np.where(*(align(x, rank) for x in (condition, a, b)))
