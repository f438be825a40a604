"""RESIZE_BILINEAR: an image scaled with linear interpolation. Operands: the data, (height, width) (constant)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, activation_type, require
from edgeq.ops.pooling import same_quantization

# Positions and weights count 2^−10 pixels.
_BITS = 10
#: Larger images would overflow an int32 position.
MAX_SIZE = 1 << 20


@dataclass(frozen=True)
class ResizeBilinearAttrs:
    """align_corners: the corner pixels' centres coincide. half_pixel_centers: pixels are areas, not points."""

    align_corners: bool = False
    half_pixel_centers: bool = False


@dataclass(frozen=True)
class ResizeBilinearParams:
    """A pixel of the result at i lies at i · scale + start in the operand, in 2^−10 pixels; pairs (height, width)."""

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    scale: tuple[int, ...]
    start: tuple[int, ...]
    dtype: str = "int8"


@register
class ResizeBilinear(Op):
    """Integer weights of 10 bits for each axis; sums are rounded to nearest, ties away from zero (TFLite's reference
    kernel, where height and width are rounded to 2^−10 pixels)."""

    name = "RESIZE_BILINEAR"
    Attrs = ResizeBilinearAttrs
    Params = ResizeBilinearParams
    dtypes = (DType.INT8, DType.INT16)

    def infer(self, attrs: ResizeBilinearAttrs, x: Tensor, size: Tensor) -> tuple[tuple[int, ...], ...]:
        require(size.data is not None, "the size is computed at run time; a constant is needed")
        require(len(x.shape) == 4 and size.size == 2, "needs an image, a height and a width")
        height, width = (int(d) for d in np.ravel(size.data))
        sizes = (*x.shape[1:3], height, width)
        require(min(sizes) >= 1 and max(sizes) <= MAX_SIZE, f"cannot resize {list(x.shape)} to {height}×{width}")
        require(not (attrs.align_corners and attrs.half_pixel_centers), "corners and centres cannot both be aligned")
        return ((x.shape[0], height, width, x.shape[3]),)

    def quant_rule(self, attrs: ResizeBilinearAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(self, attrs: ResizeBilinearAttrs, x: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, ...]:
        y = x.astype(np.float64)
        for axis, wanted in zip((2, 3), np.ravel(size), strict=True):
            count, wanted = y.shape[axis], int(wanted)
            aligned = attrs.align_corners and wanted > 1
            scale = (count - 1) / (wanted - 1) if aligned else count / wanted
            shift = 0.5 if attrs.half_pixel_centers else 0.0
            at = np.clip((np.arange(wanted) + shift) * scale - shift, 0, count - 1)
            low = np.floor(at).astype(int)
            high = np.minimum(low + 1, count - 1)
            weight = (at - low).reshape([-1 if a == axis else 1 for a in range(y.ndim)])
            y = y.take(low, axis) * (1 - weight) + y.take(high, axis) * weight
        return (y.astype(np.float32),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, _ = graph.operands(node)
        (y,) = graph.results(node)
        dtype = activation_type(self, node.loc, x, y)
        same_quantization(x, y, node.loc, dtype)
        scales = tuple(_scale(node.attrs, *sizes) for sizes in zip(x.shape[1:3], y.shape[1:3], strict=True))
        starts = tuple(s // 2 - (1 << (_BITS - 1)) if node.attrs.half_pixel_centers else 0 for s in scales)
        params = ResizeBilinearParams(x.shape, y.shape, scales, starts, dtype.value)
        bits = 32 if dtype is DType.INT8 else 64
        return Lowered(params, (x.name,), -dtype.range[0] << (2 * _BITS), bits)

    def simulate(self, p: ResizeBilinearParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        total = x.astype(np.int64)
        for axis in (0, 1):
            low, high, weight = _neighbours(p, axis)
            weight = weight.reshape((-1, 1, 1) if axis == 0 else (-1, 1))
            total = total.take(low, axis + 2) * ((1 << _BITS) - weight) + total.take(high, axis + 2) * weight
        # the quotient is truncated
        total += np.where(total > 0, 1, -1) << (2 * _BITS - 1)
        y = np.sign(total) * (np.abs(total) >> (2 * _BITS))
        return (y.astype(DType(p.dtype).numpy),)


def _scale(attrs: ResizeBilinearAttrs, size: int, wanted: int) -> int:
    if attrs.align_corners and wanted > 1:
        size, wanted = size - 1, wanted - 1
    return ((size << _BITS) + wanted // 2) // wanted


def _neighbours(p: ResizeBilinearParams, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pixels before and behind each result, and the weight of the second; before the first pixel a weight may be
    negative, then both are the first."""
    size, wanted = p.input_shape[axis + 1], p.output_shape[axis + 1]
    at = np.arange(wanted, dtype=np.int64) * p.scale[axis] + p.start[axis]
    # C's division truncates: positions before the first pixel count as the first
    low = np.maximum(at >> _BITS, 0)
    high = np.minimum((np.maximum(at + (1 << _BITS) - 1, 0)) >> _BITS, size - 1)
    return low, high, at - (low << _BITS)
