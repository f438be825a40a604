"""What the elementwise operators of two int8 operands share."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops.base import Op
from edgeq.ops.broadcast import broadcast_shape, lookup_pairs, strides


@dataclass(frozen=True)
class PairwiseAttrs:
    """These operators have no attributes."""


@dataclass(frozen=True)
class PairwiseParams:
    """Shapes of the operands and the result; base of the operators' parameters."""

    input1_shape: tuple[int, ...]
    input2_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    dtype: str = field(default="int8", kw_only=True)

    @property
    def size(self) -> int:
        """Elements of the result."""
        return math.prod(self.output_shape)

    @property
    def strides1(self) -> tuple[int, ...]:
        return strides(self.input1_shape, self.output_shape)

    @property
    def strides2(self) -> tuple[int, ...]:
        return strides(self.input2_shape, self.output_shape)


class Pairwise(Op):
    """Base of these operators; operands broadcast."""

    Attrs = PairwiseAttrs

    def infer(self, attrs: PairwiseAttrs, a: Tensor, b: Tensor) -> tuple[tuple[int, ...], ...]:
        return (broadcast_shape(a, b),)

    def results(self, p: Any) -> np.ndarray:
        """The result for every pair of operands, int8 (65536,), in the order that `lookup_pairs` wants."""
        raise NotImplementedError

    def simulate(self, p: Any, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        return (lookup_pairs(self.results(p), a, b, len(p.output_shape)),)


def runtime_operands(node: Node, graph: Graph) -> tuple[Tensor, Tensor, Tensor]:
    """Both operands and the result; raises ModelError where nothing is left to compute at run time."""
    a, b = graph.operands(node)
    if a.is_constant and b.is_constant:
        raise ModelError("both operands are constants", where=node.loc, hint="fold the constants")
    return a, b, graph.results(node)[0]
