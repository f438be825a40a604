"""EMBEDDING_LOOKUP: rows of a table. Operands: the indices, the table."""

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, require
from edgeq.ops.indexed import IndexedParams, lower_indexed, rows_of, simulate_indexed
from edgeq.ops.movement import MOVABLE


@dataclass(frozen=True)
class EmbeddingLookupAttrs:
    """EMBEDDING_LOOKUP has no attributes."""


@register
class EmbeddingLookup(Op):
    """An index outside the table is the nearest one inside; TFLite fails there."""

    name = "EMBEDDING_LOOKUP"
    Attrs = EmbeddingLookupAttrs
    Params = IndexedParams
    dtypes = MOVABLE

    def infer(self, attrs: EmbeddingLookupAttrs, indices: Tensor, table: Tensor) -> tuple[tuple[int, ...], ...]:
        require(len(table.shape) >= 2 and table.size > 0, f"a table of shape {list(table.shape)}")
        return ((*indices.shape, *table.shape[1:]),)

    def quant_rule(self, attrs: EmbeddingLookupAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT, input=1)

    def evaluate(self, attrs: EmbeddingLookupAttrs, indices: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, ...]:
        return (rows_of(table, indices, 0),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        indices, table = graph.operands(node)
        # TF 2.14's converter measures tables and results apart; TFLite copies integers
        return lower_indexed(table, indices, graph.results(node)[0], 0, node.loc, scales_matter=False)

    def simulate(self, p: IndexedParams, table: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        return (simulate_indexed(p, table, indices),)
