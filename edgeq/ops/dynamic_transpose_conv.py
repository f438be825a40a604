"""DYNAMIC_TRANSPOSE_CONV, edgeq's own operator: TRANSPOSE_CONV of blocks."""

from __future__ import annotations

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.dynamic_weighted import DynamicWeighted, Geometry
from edgeq.ops.run_time import SCALE, require_ranges
from edgeq.ops.transpose_conv import TransposeConv, TransposeConvAttrs, transposed_correlation, window_pad


@register
class DynamicTransposeConv(DynamicWeighted):
    """Operands: the result's shape (constant int32), filters, a block, a bias or none, the block's range."""

    name = "DYNAMIC_TRANSPOSE_CONV"
    stands_for = "TRANSPOSE_CONV"
    Attrs = TransposeConvAttrs
    places = (2, 1, 3, 4)
    plain = TransposeConv()
    correlate = transposed_correlation

    def infer(
        self, attrs: TransposeConvAttrs, shape: Tensor, w: Tensor, x: Tensor, b: Tensor | None, found: Tensor
    ) -> tuple[tuple[int, ...], ...]:
        require_ranges(found)
        return (*self.plain.infer(attrs, shape, w, x, b), SCALE)

    def geometry(self, attrs: TransposeConvAttrs, x: Tensor, w: Tensor, y: Tensor) -> Geometry:
        pad = window_pad(attrs, y.shape[1:3], w.shape[1:3])
        return Geometry(x.shape, y.shape, w.shape, 0, attrs.stride, pad=pad)
