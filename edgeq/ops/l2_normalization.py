"""L2_NORMALIZATION: rows divided by their Euclidean length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect, requantize, saturate
from edgeq.fixedpoint_math import inverse_root
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, affine, check_accumulator, require

OUTPUT = (1.0 / 128.0, 0)
_OUTPUT_BITS = 7


@dataclass(frozen=True)
class L2NormalizationAttrs:
    """L2_NORMALIZATION has no attributes: no activation is fused."""


@dataclass(frozen=True)
class L2NormalizationParams:
    rows: int
    row_size: int
    input_offset: int


@register
class L2Normalization(Op):
    """requantize(in + input_offset), by the inverse root of the sum of squares. A row of zeros stays one."""

    name = "L2_NORMALIZATION"
    Attrs = L2NormalizationAttrs
    Params = L2NormalizationParams

    def infer(self, attrs: L2NormalizationAttrs, x: Tensor) -> tuple[tuple[int, ...], ...]:
        require(len(x.shape) >= 1 and x.shape[-1] >= 1, f"shape {list(x.shape)} has no rows")
        return (x.shape,)

    def quant_rule(self, attrs: L2NormalizationAttrs) -> QuantRule:
        return QuantRule(OutputRule.FIXED, ((DType.INT8, OUTPUT),))

    def evaluate(self, attrs: L2NormalizationAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        length = np.sqrt(np.square(x, dtype=np.float64).sum(axis=-1, keepdims=True))
        return ((x / np.maximum(length, 1e-12)).astype(np.float32),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        (x,) = graph.operands(node)
        (y,) = graph.results(node)
        _, zero_point = affine(x, node.loc)
        if affine(y, node.loc) != OUTPUT:
            raise QuantizationError("a normalization needs a result of scale 1/128 and zero point 0", where=node.loc)
        size = x.shape[-1]
        bound = check_accumulator(size * 255 * 255, 0, node.loc)
        return Lowered(L2NormalizationParams(x.size // size, size, -zero_point), (x.name,), bound)

    def simulate(self, p: L2NormalizationParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        rows = x.reshape(-1, p.row_size).astype(np.int64) + p.input_offset
        multiplier, shift = inverse_root(np.square(rows).sum(axis=1, keepdims=True))
        return (saturate(requantize(rows, multiplier, shift + _OUTPUT_BITS), -128, 127).reshape(x.shape),)
