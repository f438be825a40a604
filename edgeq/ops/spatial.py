"""Window arithmetic shared by convolutions and pooling. Pairs are (height, width)."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np

from edgeq.errors import ModelError

Pair = tuple[int, int]


class Padding(enum.Enum):
    SAME = "same"
    VALID = "valid"


def output_size(size: Pair, kernel: Pair, stride: Pair, dilation: Pair, padding: Padding) -> Pair:
    """Result height and width (TFLite's ComputeOutSize). Raises ModelError where the window does not fit."""
    out = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        if s < 1 or d < 1 or k < 1:
            raise ModelError(f"kernel {kernel}, stride {stride} and dilation {dilation} must be positive")
        extent = (k - 1) * d + 1
        out.append((n + s - 1) // s if padding is Padding.SAME else (n - extent + s) // s)
    if min(out) < 1:
        raise ModelError(f"a {kernel[0]}×{kernel[1]} window does not fit an input of {size[0]}×{size[1]}")
    return out[0], out[1]


def pad_before(size: Pair, out: Pair, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    """Rows above and columns left of the image (TFLite's ComputePadding: the smaller half; 0 for VALID)."""
    total = [
        max(0, (o - 1) * s + (k - 1) * d + 1 - n)
        for n, o, k, s, d in zip(size, out, kernel, stride, dilation, strict=True)
    ]
    return total[0] // 2, total[1] // 2


def windows(x: np.ndarray, kernel: Pair, stride: Pair, dilation: Pair, pad: Pair, out: Pair, fill: float) -> np.ndarray:
    """A read-only view of the windows of an image.

    Args:
        x: (n, h, w, c).
        pad: rows above, columns left; below and right, as much as `out` needs.
        fill: the padding value.

    Returns: (n, out_h, out_w, kernel_h, kernel_w, c), aliasing one padded copy (or `x` itself when nothing is padded).
    """
    n, h, w, c = x.shape
    need_h = (out[0] - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1
    need_w = (out[1] - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1
    after_h, after_w = max(0, need_h - pad[0] - h), max(0, need_w - pad[1] - w)
    if pad[0] or pad[1] or after_h or after_w:
        padded = np.full((n, h + pad[0] + after_h, w + pad[1] + after_w, c), fill, x.dtype)
        padded[:, pad[0] : pad[0] + h, pad[1] : pad[1] + w] = x
        x = padded
    sn, sh, sw, sc = x.strides
    return np.lib.stride_tricks.as_strided(
        x,
        (n, out[0], out[1], kernel[0], kernel[1], c),
        (sn, sh * stride[0], sw * stride[1], sh * dilation[0], sw * dilation[1], sc),
        writeable=False,
    )


def centred(images: np.ndarray, offset: int, pad: Pair, size: Pair, dtype: type) -> np.ndarray:
    """images + offset, surrounded by zeros: what a convolution multiplies its filters with.

    Args:
        images: int8 (n, h, w, c).
        pad: rows above, columns left.
        size: height and width that the windows cover; what lies beyond is cut off.

    Returns: (n, *size, c) of `dtype`.
    """
    n, h, w, c = images.shape
    rows, columns = min(h, size[0] - pad[0]), min(w, size[1] - pad[1])
    make = np.empty if (rows, columns) == size else np.zeros
    result = make((n, *size, c), dtype)
    inner = result[:, pad[0] : pad[0] + rows, pad[1] : pad[1] + columns]
    np.add(images[:, :rows, :columns], dtype(offset), out=inner)
    return result


def covered(out: Pair, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    """Height and width of the padded image that the windows of `out` results cover."""
    sizes = [(o - 1) * s + (k - 1) * d + 1 for o, k, s, d in zip(out, kernel, stride, dilation, strict=True)]
    return sizes[0], sizes[1]


def hangs_over(p: Any) -> bool:
    """Whether a window hangs over an edge of the image. p: parameters of a layer that slides a window over images."""
    size = covered(p.output_shape[1:3], p.kernel, p.stride, p.dilation)
    return any(before > 0 or extent > n for before, extent, n in zip(p.pad, size, p.input_shape[1:3], strict=True))


def taps_on_image(p: Any, axis: int) -> np.ndarray:
    """Of each window along an axis (0: rows) how many taps lie on the image. Argument as there."""
    starts = np.arange(p.output_shape[1 + axis]) * p.stride[axis] - p.pad[axis]
    places = starts[:, np.newaxis] + np.arange(p.kernel[axis]) * p.dilation[axis]
    return ((places >= 0) & (places < p.input_shape[1 + axis])).sum(axis=1)
