"""DYNAMIC_FUNCTION, edgeq's own operator: a function of each element of a block, by straight pieces.

Every integer of the block becomes a number in steps of 2^−16, saturated as DYNAMIC_DEQUANTIZE does, and that one the
function's value in such steps (`edgeq.ops.straight_pieces`): these are the sums, at the scale 2^−16.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.fixedpoint_scales import MANTISSA_BITS, ONE, pair, parts, shifted
from edgeq.ir import Graph, Node, Tensor, frozen_array
from edgeq.ops import find_op, register
from edgeq.ops.base import Lowered
from edgeq.ops.lookup import Lookup
from edgeq.ops.run_time import SCALE, RunTime, centred_block, lowered, require_ranges, spread
from edgeq.ops.straight_pieces import BITS, pieces, piecewise


@dataclass(frozen=True)
class DynamicFunctionAttrs:
    """op, attrs: the operator whose function it is, one on each element alone."""

    op: str
    attrs: Any


@dataclass(frozen=True, eq=False)
class DynamicFunctionParams:
    """pieces: int32 (number, 4) of starts, values, slopes and their bits. size: elements of the tensor."""

    size: int
    pieces: np.ndarray


@register
class DynamicFunction(RunTime):
    """Operands: a block, its range."""

    name = "DYNAMIC_FUNCTION"
    Attrs = DynamicFunctionAttrs
    Params = DynamicFunctionParams

    def infer(self, attrs: DynamicFunctionAttrs, x: Tensor, found: Tensor) -> tuple[tuple[int, ...], ...]:
        require_ranges(found)
        return x.shape, SCALE

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        table = pieces_of(node.attrs)
        if table is None:
            raise QuantizationError(f"{node.attrs.op} has too many bends for straight pieces", where=node.loc)
        x, _ = graph.operands(node)
        return lowered(DynamicFunctionParams(x.size, table), node, graph, (0, 1))

    def simulate(self, p: DynamicFunctionParams, x: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, ...]:
        mantissa, exponent = parts(found)
        c = centred_block(x, found)
        v = shifted(c * spread(mantissa, c), spread(-BITS - exponent, c))
        scale = np.broadcast_to(pair(ONE, -BITS - MANTISSA_BITS), (len(c), *SCALE))
        return piecewise(p.pieces, v).astype(np.int32), scale


@lru_cache(maxsize=256)
def pieces_of(attrs: DynamicFunctionAttrs) -> np.ndarray | None:
    """The function's pieces; None where there are too many, or the operator is no function of each element."""
    op = find_op(attrs.op)
    if not isinstance(op, Lookup):
        return None
    table = pieces(lambda x: op.evaluate(attrs.attrs, x[np.newaxis])[0][0])
    return None if table is None else frozen_array(table)
