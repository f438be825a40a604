"""RESIZE_NEAREST_NEIGHBOR: an image scaled by repeating or leaving out pixels. Operands: the data, (height, width)."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.resize_bilinear import MAX_SIZE
from edgeq.ops.selection import Places, Selection


@dataclass(frozen=True)
class ResizeNearestNeighborAttrs:
    """align_corners: the corner pixels' centres coincide. half_pixel_centers: pixels are areas, not points."""

    align_corners: bool = False
    half_pixel_centers: bool = False


@register
class ResizeNearestNeighbor(Selection):
    name = "RESIZE_NEAREST_NEIGHBOR"
    Attrs = ResizeNearestNeighborAttrs

    def places(
        self, attrs: ResizeNearestNeighborAttrs, shape: tuple[int, ...], size: np.ndarray
    ) -> tuple[Places, tuple[int, ...]]:
        require(len(shape) == 4 and size.size == 2, "needs an image, a height and a width")
        height, width = (int(d) for d in np.ravel(size))
        require(min(height, width) >= 1 and max(height, width) <= MAX_SIZE, f"cannot resize to {height}×{width}")
        rows, columns = _nearest(attrs, shape[1], height), _nearest(attrs, shape[2], width)
        return [None, rows, columns, None], (shape[0], height, width, shape[3])


def _nearest(attrs: ResizeNearestNeighborAttrs, size: int, wanted: int) -> np.ndarray:
    """The source of each of `wanted` pixels (TFLite's GetNearestNeighbor, in float32)."""
    aligned = attrs.align_corners and wanted > 1
    scale = np.float32(size - 1 if aligned else size) / np.float32(wanted - 1 if aligned else wanted)
    at = (np.arange(wanted).astype(np.float32) + np.float32(0.5 * attrs.half_pixel_centers)) * scale
    # ties away from zero where corners are aligned
    whole = np.floor(at.astype(np.float64) + 0.5) if attrs.align_corners else np.floor(at)
    return np.clip(whole.astype(np.int64), 0, size - 1)
