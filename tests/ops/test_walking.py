"""Where a result may lie over the image it comes from: shown by walking over one memory that holds both."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgeq.kernels.walking import backwards_distance, forwards_distance
from edgeq.ops.spatial import Padding, output_size, pad_before

GEOMETRIES = [
    # height, width, channels, result's channels, kernel, stride, dilation, padding
    (5, 5, 3, 3, (3, 3), (1, 1), (1, 1), Padding.SAME),
    (7, 4, 2, 2, (3, 3), (2, 2), (1, 1), Padding.SAME),
    (4, 4, 4, 2, (1, 1), (1, 1), (1, 1), Padding.VALID),
    (4, 4, 2, 4, (1, 1), (1, 1), (1, 1), Padding.VALID),
    (6, 5, 1, 6, (2, 3), (1, 2), (1, 1), Padding.VALID),
    (9, 9, 2, 3, (3, 3), (1, 1), (2, 3), Padding.SAME),
    (1, 1, 5, 7, (1, 1), (1, 1), (1, 1), Padding.VALID),
    (3, 6, 3, 1, (5, 5), (1, 1), (1, 1), Padding.SAME),
    (8, 3, 2, 2, (1, 1), (3, 2), (1, 1), Padding.VALID),
]


def pixels_of(shape, geometry):
    """For every output pixel the bytes that it reads, as numbers within the operand."""
    _, _, _, _, kernel, stride, dilation, padding = geometry
    n, height, width, channels = shape
    out = output_size((height, width), kernel, stride, dilation, padding)
    pad = pad_before((height, width), out, kernel, stride, dilation)
    numbers = np.arange(np.prod(shape)).reshape(shape)
    windows = []
    for image, y, x in itertools.product(range(n), range(out[0]), range(out[1])):
        rows = [y * stride[0] - pad[0] + i * dilation[0] for i in range(kernel[0])]
        cols = [x * stride[1] - pad[1] + i * dilation[1] for i in range(kernel[1])]
        rows, cols = [r for r in rows if 0 <= r < height], [c for c in cols if 0 <= c < width]
        windows.append(numbers[image][np.ix_(rows, cols)].ravel() if rows and cols else np.array([], int))
    return windows, (n, *out), pad


def survives(windows, channels, result_start, operand_bytes, tile, *, backwards):
    """Whether a walk reads nothing that it has overwritten; in a tile, at worst, all is written before it is read. In a
    tile of 0, pixels are read before they are written."""
    alive = np.ones(operand_bytes, bool)
    order = list(range(len(windows)))
    if backwards:
        order.reverse()
    for start in range(0, len(order), max(tile, 1)):
        group = order[start : start + max(tile, 1)]
        if tile == 0 and not alive[windows[group[0]]].all():
            return False
        for pixel in group:
            low = result_start + pixel * channels
            alive[max(0, low) : max(0, low + channels)] = False
        if tile > 0 and any(not alive[windows[pixel]].all() for pixel in group):
            return False
    return True


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("tile", [0, 1, 2, 3])
@pytest.mark.parametrize("images", [1, 2])
def test_no_pixel_is_overwritten_before_it_is_read(geometry, tile, images):
    height, width, channels, out_channels, kernel, stride, dilation, _ = geometry
    shape = (images, height, width, channels)
    windows, out, pad = pixels_of(shape, geometry)
    walk = shape, (*out, out_channels), kernel, stride, dilation, pad
    nbytes, result_bytes = int(np.prod(shape)), len(windows) * out_channels
    forwards = forwards_distance(*walk, tile=tile)
    backwards = backwards_distance(*walk, tile=tile)

    for beyond in range(3):
        assert survives(windows, out_channels, -forwards - beyond, nbytes, tile, backwards=False)
        above = nbytes + backwards - result_bytes + beyond
        assert survives(windows, out_channels, above, nbytes, tile, backwards=True)


def test_the_distances_are_tight():
    """Of windows without gaps, one byte less and something is lost."""
    for geometry in GEOMETRIES[:5]:
        height, width, channels, out_channels, kernel, stride, dilation, _ = geometry
        shape = (1, height, width, channels)
        windows, out, pad = pixels_of(shape, geometry)
        walk = shape, (*out, out_channels), kernel, stride, dilation, pad
        forwards = forwards_distance(*walk)
        above = int(np.prod(shape)) + backwards_distance(*walk) - len(windows) * out_channels
        if forwards:
            assert not survives(windows, out_channels, -forwards + 1, int(np.prod(shape)), 1, backwards=False)
        assert not survives(windows, out_channels, above - 1, int(np.prod(shape)), 1, backwards=True)
