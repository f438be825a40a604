"""Operators that only move elements: each result is a strided view of the operand, written out densely.

An operator states its view in NumPy, on an array that stands for the operand; strides and starting points follow from
it. All of them share one kernel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import as_strided

from edgeq.errors import ModelError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, require
from edgeq.ops.pooling import same_values

#: Types of elements that are moved without being looked at.
MOVABLE = (DType.INT8, DType.INT16, DType.INT32, DType.INT64, DType.BOOL)
#: A view of the operand, and the shape under which its elements are the result.
Piece = tuple[np.ndarray, tuple[int, ...]]


@dataclass(frozen=True)
class CopyParams:
    """One entry per result. All counts are of bytes: an element of several is one more axis.

    Attributes:
        starts: the first byte's place in the operand.
        dims, strides: bytes along each axis, and by how many bytes the operand advances there (negative backwards, 0
            repeated). As few axes as possible: none of size 1, none contiguous with the next.
        output_shapes: shapes of the results; their elements are in the order of `dims`.
    """

    starts: tuple[int, ...]
    dims: tuple[tuple[int, ...], ...]
    strides: tuple[tuple[int, ...], ...]
    output_shapes: tuple[tuple[int, ...], ...]


class Movement(Op):
    """Base of these operators. All operands but the data are constants.

    Attributes:
        count: number of operands.
        data: which of them is the data.
    """

    Params = CopyParams
    dtypes = MOVABLE
    count: ClassVar[int] = 1
    data: ClassVar[int] = 0

    def pieces(self, attrs: Any, x: np.ndarray, *constants: np.ndarray) -> list[Piece]:
        """The results as views of `x`, whose elements must not be read. Raises ModelError, ValueError or IndexError
        where the constants do not fit."""
        raise NotImplementedError

    def infer(self, attrs: Any, *operands: Tensor) -> tuple[tuple[int, ...], ...]:
        return self._layout(attrs, operands).output_shapes

    def quant_rule(self, attrs: Any) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(self, attrs: Any, *operands: np.ndarray) -> tuple[np.ndarray, ...]:
        constants = [a[0] for a in operands]
        x = operands[self.data]
        constants = [*constants[: self.data], *constants[self.data + 1 :]]
        return _copy(self._params(attrs, x.shape[1:], x.itemsize, constants), x)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        operands = graph.operands(node)
        for y in graph.results(node):
            same_values(operands[self.data], y, node.loc)
        return Lowered(self._layout(node.attrs, operands), (operands[self.data].name,))

    def simulate(self, p: CopyParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return _copy(p, x)

    def _layout(self, attrs: Any, operands: tuple[Tensor, ...]) -> CopyParams:
        require(len(operands) == self.count, f"{self.name} has {len(operands)} operands, needs {self.count}")
        constants = [t for index, t in enumerate(operands) if index != self.data]
        for t in constants:
            require(t.data is not None, f"{t.name!r} is computed at run time; a constant is needed")
        data = operands[self.data]
        return self._params(attrs, data.shape, data.dtype.itemsize, [t.data for t in constants])

    def _params(self, attrs: Any, shape: tuple[int, ...], itemsize: int, constants: list[np.ndarray]) -> CopyParams:
        require(math.prod(shape) > 0, f"shape {list(shape)} has no elements")
        x = _stand_in(shape)
        try:
            pieces = self.pieces(attrs, x, *constants)
        except (ValueError, IndexError) as error:
            raise ModelError(f"the operands of this {self.name} do not fit shape {list(shape)}: {error}") from None
        require(all(view.size > 0 for view, _ in pieces), "a result has no elements")
        merged = [_merged((*view.shape, itemsize), (*(itemsize * s for s in view.strides), 1)) for view, _ in pieces]
        first = x.__array_interface__["data"][0]
        return CopyParams(
            starts=tuple(itemsize * (view.__array_interface__["data"][0] - first) for view, _ in pieces),
            dims=tuple(dims for dims, _ in merged),
            strides=tuple(strides for _, strides in merged),
            output_shapes=tuple(tuple(int(d) for d in wanted) for _, wanted in pieces),
        )


def whole(view: np.ndarray) -> Piece:
    """A view that has the result's shape."""
    return view, view.shape


def integers(array: np.ndarray) -> list[int]:
    """The elements of a constant operand."""
    return [int(v) for v in np.ravel(array)]


def _stand_in(shape: tuple[int, ...]) -> np.ndarray:
    """An array of one-byte elements to take views of, without memory: strides then count elements."""
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return as_strided(np.zeros(1, np.int8), shape, strides, writeable=False)


def _merged(dims: tuple[int, ...], strides: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The same walk with as few axes as possible."""
    axes: list[tuple[int, int]] = []
    for size, step in zip(dims, strides, strict=True):
        if size == 1:
            continue
        if axes and axes[-1][1] == size * step:
            axes[-1] = (axes[-1][0] * size, step)
        else:
            axes.append((size, step))
    return tuple(size for size, _ in axes), tuple(step for _, step in axes)


def _copy(p: CopyParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
    n = x.shape[0]
    flat = np.ascontiguousarray(x).reshape(n, -1).view(np.int8)
    results = []
    for start, dims, strides, shape in zip(p.starts, p.dims, p.strides, p.output_shapes, strict=True):
        view = as_strided(flat[:, start:], (n, *dims), (flat.strides[0], *strides), writeable=False)
        results.append(view.reshape(n, -1).copy().view(x.dtype).reshape((n, *shape)))
    return tuple(results)
