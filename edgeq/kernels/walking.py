"""How far the result of a kernel that slides a window over an image may lie over that image.

A kernel that computes output pixels in order never reads again what lies before its current window. When it writes a
pixel, the memory up to there may hold results already, if the image starts far enough above them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.kernels.base import Kernel
from edgeq.ops.spatial import Pair
from edgeq.program import Overlap
from edgeq.target import Cpu


class WindowByWindow(Kernel):
    """A kernel of convolutions that computes pixel by pixel, in order."""

    def overlap(self, p: Any, cpu: Cpu) -> Overlap:
        return Overlap(forwards=forwards_distance(p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad))


def pairs_leave_rows(p: Any) -> bool:
    """Whether of output pixels that are taken two by two some lie in two rows; windows that are pixels in order have
    none."""
    in_order = p.kernel == p.stride == (1, 1) and p.pad == (0, 0) and p.input_shape[:3] == p.output_shape[:3]
    return p.output_shape[2] % 2 == 1 and not in_order


def forwards_distance(
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    kernel: Pair,
    stride: Pair,
    dilation: Pair,
    pad: Pair,
    *,
    tile: int = 1,
) -> int:
    """Bytes by which the result has to start below the operand, for int8 NHWC images walked from the first pixel on.

    Args:
        tile: so many pixels are written together, after parts of each and before all of each is read; 0 where a pixel
            is written only after all of it has been read, however many are together.

    Let W(i) be the end of what is written with pixel i, R(i) the first byte that pixel i or a later one reads, both
    from the start of their tensor. Nothing is overwritten too early if the operand starts max(W − R) above the result.
    """
    first, _ = _reads(input_shape, output_shape, kernel, stride, dilation, pad)
    needed_from = np.minimum.accumulate(first[::-1])[::-1]
    pixels = np.arange(first.size)
    written_to = np.minimum(pixels + tile, first.size) * output_shape[3]
    return max(0, int((written_to - needed_from).max()))


def backwards_distance(
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    kernel: Pair,
    stride: Pair,
    dilation: Pair,
    pad: Pair,
    *,
    tile: int = 1,
) -> int:
    """Bytes by which the result has to end above the operand's end, for a walk from the last pixel to the first; may be
    negative. Arguments as those of `forwards_distance`."""
    _, end = _reads(input_shape, output_shape, kernel, stride, dilation, pad)
    needed_to = np.maximum.accumulate(end)
    written_from = np.maximum(np.arange(end.size) - tile + 1, 0) * output_shape[3]
    start_above_start = int((needed_to - written_from).max())
    return start_above_start - int(np.prod(input_shape)) + int(np.prod(output_shape))


def _reads(
    input_shape: tuple[int, ...], output_shape: tuple[int, ...], kernel: Pair, stride: Pair, dilation: Pair, pad: Pair
) -> tuple[np.ndarray, np.ndarray]:
    """(first, end) of the bytes that each output pixel reads, in order."""
    n, height, width, channels = input_shape
    lows, highs = [], []
    for axis, size in ((0, height), (1, width)):
        start = np.arange(output_shape[1 + axis]) * stride[axis] - pad[axis]
        reach = (kernel[axis] - 1) * dilation[axis]
        # a window beside the image reads nothing; counting its nearest pixel errs on the safe side
        lows.append(np.clip(start, 0, size - 1))
        highs.append(np.clip(start + reach, 0, size - 1))
    image = np.arange(n)[:, np.newaxis, np.newaxis] * height

    def byte(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return (((image + rows[:, np.newaxis]) * width + columns) * channels).ravel().astype(np.int64)

    return byte(*lows), byte(*highs) + channels
