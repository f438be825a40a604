"""What the elementwise operators of two operands share."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from edgeq.errors import ModelError
from edgeq.fixedpoint import quantize_multiplier_below_one, requantize
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops.base import Activation, Op, affine
from edgeq.ops.broadcast import FIRST, SECOND, align, broadcast_shape, lookup_pairs, strides


@dataclass(frozen=True)
class PairwiseAttrs:
    """Operators without attributes."""

    activation: ClassVar[Activation] = Activation.NONE


@dataclass(frozen=True)
class FusedPairwiseAttrs(PairwiseAttrs):
    """Operators with a fused activation."""

    activation: Activation = Activation.NONE


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
    def broadcasts(self) -> bool:
        """Whether an operand is repeated; operands that differ only by axes of size 1 are read alike."""
        return not self.size == math.prod(self.input1_shape) == math.prod(self.input2_shape)

    @property
    def strides1(self) -> tuple[int, ...]:
        return strides(self.input1_shape, self.output_shape)

    @property
    def strides2(self) -> tuple[int, ...]:
        return strides(self.input2_shape, self.output_shape)


@dataclass(frozen=True)
class CommonScaleParams(PairwiseParams):
    """Integers by which both operands are brought to one scale. Shifts of the inputs are not positive."""

    left_shift: int
    input1_offset: int
    input1_multiplier: int
    input1_shift: int
    input2_offset: int
    input2_multiplier: int
    input2_shift: int

    def scaled(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """int64 operands in the common scale: requantize((x + offset) << left_shift)."""
        return (
            requantize((a + self.input1_offset) << self.left_shift, self.input1_multiplier, self.input1_shift),
            requantize((b + self.input2_offset) << self.left_shift, self.input2_multiplier, self.input2_shift),
        )


class Pairwise(Op):
    """Base of these operators; operands broadcast."""

    Attrs: ClassVar[type] = PairwiseAttrs

    def infer(self, attrs: PairwiseAttrs, a: Tensor, b: Tensor) -> tuple[tuple[int, ...], ...]:
        return (broadcast_shape(a, b),)

    def of_reals(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """What the operator means: of float32 operands that broadcast, before an activation."""
        raise NotImplementedError

    def evaluate(self, attrs: PairwiseAttrs, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        rank = max(a.ndim, b.ndim) - 1
        y = self.of_reals(align(a, rank), align(b, rank))
        return (np.clip(y, *attrs.activation.bounds).astype(np.float32),)

    def of_integers(self, p: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The results, in their own type, of int64 operands that broadcast."""
        raise NotImplementedError

    def simulate(self, p: Any, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        rank = len(p.output_shape)
        if p.dtype == DType.INT8.value:
            return (lookup_pairs(_every_pair(self, p), a, b, rank),)
        return (self.of_integers(p, align(a, rank).astype(np.int64), align(b, rank).astype(np.int64)),)


@functools.lru_cache(maxsize=128)
def _every_pair(op: Pairwise, p: Any) -> np.ndarray:
    """The result for every pair of int8 operands, for `lookup_pairs`."""
    return frozen_array(op.of_integers(p, FIRST, SECOND).reshape(-1))


def runtime_operands(node: Node, graph: Graph) -> tuple[Tensor, Tensor, Tensor]:
    """Both operands and the result; raises ModelError where nothing is left to compute at run time."""
    a, b = graph.operands(node)
    if a.is_constant and b.is_constant:
        raise ModelError("both operands are constants", where=node.loc, hint="fold the constants")
    return a, b, graph.results(node)[0]


def to_common_scale(
    a: Tensor, b: Tensor, y: Tensor, left_shift: int, where: str, dtype: DType = DType.INT8
) -> tuple[dict[str, Any], float]:
    """(the fields of `CommonScaleParams`, S): operands come to the scale S / 2^left_shift, S being twice the larger of
    theirs, as in TFLite's add.cc."""
    (scale_a, zero_a), (scale_b, zero_b) = affine(a, where, dtype), affine(b, where, dtype)
    twice = 2.0 * max(scale_a, scale_b)
    multiplier_a, shift_a = quantize_multiplier_below_one(scale_a / twice, where)
    multiplier_b, shift_b = quantize_multiplier_below_one(scale_b / twice, where)
    fields = {
        "input1_shape": a.shape,
        "input2_shape": b.shape,
        "output_shape": y.shape,
        "left_shift": left_shift,
        "input1_offset": -zero_a,
        "input1_multiplier": multiplier_a,
        "input1_shift": shift_a,
        "input2_offset": -zero_b,
        "input2_multiplier": multiplier_b,
        "input2_shift": shift_b,
        "dtype": dtype.value,
    }
    return fields, twice
