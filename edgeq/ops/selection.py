"""Operators that pick elements by one constant list of places per axis. All of them share one kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, Tensor, frozen_array
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, require
from edgeq.ops.movement import MOVABLE
from edgeq.ops.pooling import same_values

#: What each axis of the result takes from the same axis of the operand: indices, None for all of it in order.
Places = list["np.ndarray | None"]


@dataclass(frozen=True, eq=False)
class GatherParams:
    """A walk over the first axes, with whole blocks copied.

    Attributes:
        dims: places along each of the walked axes.
        block: bytes that are copied at each place.
        offsets: int32 (Σ dims,): the block's first byte, the sum of one number of each axis; axis after axis.
    """

    output_shape: tuple[int, ...]
    dims: tuple[int, ...]
    block: int
    offsets: np.ndarray


class Selection(Op):
    """Base of these operators: the data, then constants."""

    Params = GatherParams
    dtypes = MOVABLE

    def places(self, attrs: Any, shape: tuple[int, ...], *constants: np.ndarray) -> tuple[Places, tuple[int, ...]]:
        """What each axis takes, and the result's shape. Raises ModelError where the operands do not fit."""
        raise NotImplementedError

    def infer(self, attrs: Any, x: Tensor, constant: Tensor) -> tuple[tuple[int, ...], ...]:
        require(constant.data is not None, f"{constant.name!r} is computed at run time; a constant is needed")
        places, shape = self.places(attrs, x.shape, constant.data)
        require(math.prod(shape) > 0, f"shape {list(shape)} has no elements")
        return (shape,)

    def quant_rule(self, attrs: Any) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(self, attrs: Any, x: np.ndarray, constant: np.ndarray) -> tuple[np.ndarray, ...]:
        places, shape = self.places(attrs, x.shape[1:], constant[0])
        for axis, indices in enumerate(places):
            if indices is not None:
                x = x.take(indices, axis=axis + 1)
        return (x.reshape((x.shape[0], *shape)),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, constant = graph.operands(node)
        (y,) = graph.results(node)
        itemsize = same_values(x, y, node.loc).itemsize
        places, shape = self.places(node.attrs, x.shape, constant.data)
        while places and places[-1] is None:
            places.pop()
        walked = len(places)
        columns = [
            (np.arange(x.shape[axis]) if indices is None else indices) * math.prod(x.shape[axis + 1 :]) * itemsize
            for axis, indices in enumerate(places)
        ]
        offsets = np.concatenate(columns) if columns else np.zeros(0, np.int64)
        params = GatherParams(
            output_shape=shape,
            dims=tuple(len(c) for c in columns),
            block=math.prod(x.shape[walked:]) * itemsize,
            offsets=frozen_array(offsets, np.int32),
        )
        return Lowered(params, (x.name,))

    def simulate(self, p: GatherParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (gather(p, x),)


def gather(p: GatherParams, x: np.ndarray) -> np.ndarray:
    """The blocks of x (n, …), one after the other."""
    y = np.ascontiguousarray(x).reshape(x.shape[0], -1).view(np.int8)[:, block_places(p)]
    return np.ascontiguousarray(y).view(x.dtype).reshape((x.shape[0], *p.output_shape))


def block_places(p: Any) -> np.ndarray:
    """Where every byte lies that a walk with `dims`, `block` and `offsets` comes to, in its order."""
    total = np.arange(p.block)
    begin = len(p.offsets)
    # from the last axis outwards: each new axis stands in front
    for size in reversed(p.dims):
        begin -= size
        total = np.add.outer(p.offsets[begin : begin + size].astype(np.int64), total)
    return total.reshape(-1)
