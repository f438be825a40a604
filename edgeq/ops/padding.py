"""What PAD and PADV2 share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.errors import ModelError, QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, activation_type, affine, require
from edgeq.ops.pooling import same_quantization


@dataclass(frozen=True)
class PadAttrs:
    """Neither operator has attributes."""


@dataclass(frozen=True)
class Blocks:
    """A padding in terms of merged axes, outermost first."""

    sizes: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True)
class PadParams:
    """before, after: elements put in front of and behind each axis; value: what they hold. itemsize: bytes of an
    element."""

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    value: int
    itemsize: int = 1

    @property
    def blocks(self) -> Blocks:
        """The same padding in bytes, with as few axes as possible, but at least four."""
        return self._merged(self.itemsize)

    @property
    def element_blocks(self) -> Blocks:
        """As `blocks`, in elements."""
        return self._merged(1)

    def _merged(self, itemsize: int) -> Blocks:
        merged: list[list[int]] = []
        for size, before, after in zip(self.input_shape, self.before, self.after, strict=True):
            last = merged[-1] if merged else None
            if last and before == 0 and after == 0:
                # an axis without padding: contiguous within its predecessor
                last[:] = [value * size for value in last]
            elif last and last == [1, 0, 0]:
                last[:] = [size, before, after]
            else:
                merged.append([size, before, after])
        merged = merged or [[1, 0, 0]]
        merged[-1] = [value * itemsize for value in merged[-1]]
        merged = [[1, 0, 0]] * (4 - len(merged)) + merged
        return Blocks(*(tuple(column) for column in zip(*merged, strict=True)))


class PadBase(Op):
    """Operands: the data, the padding (constant int32, a row (before, after) per axis), for PADV2 its value."""

    knows_zero = True
    Attrs = PadAttrs
    Params = PadParams
    dtypes = (DType.INT8, DType.INT16)

    def infer(
        self, attrs: PadAttrs, x: Tensor, padding: Tensor, value: Tensor | None = None
    ) -> tuple[tuple[int, ...], ...]:
        before, after = _amounts(padding, len(x.shape))
        require(value is None or value.size == 1, "the padding's value needs to be one element")
        return (tuple(b + d + a for b, d, a in zip(before, x.shape, after, strict=True)),)

    def quant_rule(self, attrs: PadAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(
        self, attrs: PadAttrs, x: np.ndarray, padding: np.ndarray, value: np.ndarray | None = None
    ) -> tuple[np.ndarray, ...]:
        widths = [(0, 0)] + [(int(b), int(a)) for b, a in padding.reshape(-1, 2)]
        return (np.pad(x, widths, constant_values=0.0 if value is None else float(np.ravel(value)[0])),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, padding, *rest = graph.operands(node)
        (y,) = graph.results(node)
        dtype = activation_type(self, node.loc, x, y)
        same_quantization(x, y, node.loc, dtype)
        _, fill = affine(x, node.loc, dtype)
        if rest:
            fill = _constant_value(rest[0], x, node.loc, dtype)
        before, after = _amounts(padding, len(x.shape))
        return Lowered(PadParams(x.shape, y.shape, before, after, fill, dtype.itemsize), (x.name,))

    def simulate(self, p: PadParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        y = np.full((x.shape[0],) + p.output_shape, p.value, x.dtype)
        inner = tuple(slice(b, b + d) for b, d in zip(p.before, p.input_shape, strict=True))
        y[(slice(None), *inner)] = x
        return (y,)


def _amounts(padding: Tensor, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(before, after) for each axis; raises ModelError unless they are constant, not negative and one row per axis."""
    if padding.data is None:
        raise ModelError("the padding is computed at run time; a constant is needed")
    require(padding.shape == (rank, 2), f"the padding needs shape {[rank, 2]}, has {list(padding.shape)}")
    require(int(padding.data.min(initial=0)) >= 0, "padding cannot be negative")
    return tuple(int(b) for b in padding.data[:, 0]), tuple(int(a) for a in padding.data[:, 1])


def _constant_value(value: Tensor, x: Tensor, where: str, dtype: DType) -> int:
    """The padding value, which needs the data's scale and zero point."""
    if value.data is None:
        raise QuantizationError("the padding's value is computed at run time; a constant is needed", where=where)
    same_quantization(x, value, where, dtype)
    return int(np.ravel(value.data)[0])
