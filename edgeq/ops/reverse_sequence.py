"""REVERSE_SEQUENCE: of each batch, the first so many steps backwards. Operands: the data, a length for each batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, require
from edgeq.ops.indexed import index_type_of
from edgeq.ops.movement import MOVABLE
from edgeq.ops.pooling import same_values


@dataclass(frozen=True)
class ReverseSequenceAttrs:
    """seq_dim: the axis of the steps. batch_dim: that of the batches, another one."""

    seq_dim: int
    batch_dim: int = 0


@dataclass(frozen=True)
class ReverseSequenceParams:
    """The data as (outer, first, middle, second, block bytes), the steps along `second` if steps_last, else along
    `first`; the batches along the other. length_type: a name of the IR."""

    outer: int
    first: int
    middle: int
    second: int
    block: int
    steps_last: int
    length_type: str
    output_shape: tuple[int, ...]


@register
class ReverseSequence(Op):
    """What stands after a batch's length stays. A length that the axis does not have is the nearest one that it has;
    TFLite fails there."""

    name = "REVERSE_SEQUENCE"
    Attrs = ReverseSequenceAttrs
    Params = ReverseSequenceParams
    dtypes = MOVABLE

    def infer(self, attrs: ReverseSequenceAttrs, x: Tensor, lengths: Tensor) -> tuple[tuple[int, ...], ...]:
        rank = len(x.shape)
        seq, batch = attrs.seq_dim, attrs.batch_dim
        require(0 <= seq < rank and 0 <= batch < rank and seq != batch, f"axes {seq} and {batch} of {list(x.shape)}")
        require(x.size > 0, f"shape {list(x.shape)} has no elements")
        require(lengths.shape == (x.shape[batch],), f"lengths of shape {list(lengths.shape)} for {x.shape[batch]}")
        return (x.shape,)

    def quant_rule(self, attrs: ReverseSequenceAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(self, attrs: ReverseSequenceAttrs, x: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
        moved = np.moveaxis(x, (attrs.batch_dim + 1, attrs.seq_dim + 1), (1, 2))
        y = np.moveaxis(_reversed(moved, lengths), (1, 2), (attrs.batch_dim + 1, attrs.seq_dim + 1))
        return (np.ascontiguousarray(y),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, lengths = graph.operands(node)
        (y,) = graph.results(node)
        length_type = index_type_of(lengths, node.loc, "lengths")
        low, high = sorted((node.attrs.seq_dim, node.attrs.batch_dim))
        params = ReverseSequenceParams(
            outer=math.prod(x.shape[:low]),
            first=x.shape[low],
            middle=math.prod(x.shape[low + 1 : high]),
            second=x.shape[high],
            block=math.prod(x.shape[high + 1 :]) * same_values(x, y, node.loc).itemsize,
            steps_last=int(node.attrs.seq_dim == high),
            length_type=length_type,
            output_shape=y.shape,
        )
        return Lowered(params, (x.name, lengths.name))

    def simulate(self, p: ReverseSequenceParams, x: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
        axes = (2, 4) if p.steps_last else (4, 2)
        whole = np.ascontiguousarray(x).reshape(len(x), p.outer, p.first, p.middle, p.second, -1)
        y = np.moveaxis(_reversed(np.moveaxis(whole, axes, (1, 2)), lengths), (1, 2), axes)
        return (y.reshape((len(y), *p.output_shape)),)


def _reversed(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """x (n or 1, batches, steps, …) by lengths (n or 1, batches)."""
    steps = np.arange(x.shape[2])
    ends = np.clip(lengths.astype(np.int64), 0, x.shape[2])[:, :, np.newaxis]
    places = np.where(steps < ends, ends - 1 - steps, steps)
    places = places.reshape(*places.shape, *[1] * (x.ndim - 3))
    count = max(len(x), len(lengths))
    return np.take_along_axis(np.broadcast_to(x, (count, *x.shape[1:])), places, axis=2)
