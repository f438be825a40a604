"""Convolutions of two-valued inputs: channels that fill bytes and words and such that do not, windows over edges."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.ops import Activation
from edgeq.ops.binary_conv_2d import BinaryConv2DAttrs
from edgeq.ops.spatial import Padding

from ..binary import layer, nearest, sums_of_windows
from ..graphs import Case

#: Half a step for each of two roundings.
BOUND = 1.0


def meaning(attrs: BinaryConv2DAttrs, x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    total = sums_of_windows(nearest(attrs.levels, x), w[0], attrs)
    return np.clip(total if b is None else total + b, *attrs.activation.bounds)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    yield _case(rng, (3, 3), Padding.SAME, (1, 1), (6, 5), 32, 7)
    yield _case(rng, (3, 3), Padding.SAME, (2, 2), (7, 6), 13, 4)
    yield _case(rng, (1, 1), Padding.VALID, (1, 1), (4, 3), 64, 5)
    yield _case(rng, (5, 3), Padding.SAME, (1, 1), (1, 2), 8, 3)
    yield _case(rng, (3, 3), Padding.SAME, (1, 1), (6, 7), 1, 9)
    yield _case(rng, (5, 5), Padding.SAME, (2, 2), (9, 5), 1, 3)
    yield _case(rng, (3, 3), Padding.SAME, (1, 1), (4, 5), 3, 5)
    yield _case(rng, (2, 2), Padding.VALID, (2, 2), (5, 6), 16, 4)
    yield _case(rng, (1, 1), Padding.VALID, (1, 1), (7, 6), 3, 10)
    while True:
        for kernel in ((3, 3), (1, 1), (2, 3), (1, 4), (2, 1)):
            for padding in Padding:
                stride = tuple(int(rng.integers(1, 4)) for _ in range(2))
                size = tuple(k + int(rng.integers(0, 7)) for k in kernel)
                in_c = int(rng.integers(1, 50 if rng.random() < 0.5 else 6))
                yield _case(rng, kernel, padding, stride, size, in_c, int(rng.integers(1, 9)))


def _case(
    rng: np.random.Generator,
    kernel: tuple[int, int],
    padding: Padding,
    stride: tuple[int, int],
    size: tuple[int, int],
    in_c: int,
    out_c: int,
) -> Case:
    dilation = (1, 1) if stride != (1, 1) else tuple(int(rng.choice([1, 1, 2])) for _ in range(2))
    size = tuple(max(n, (k - 1) * d + 1) for n, k, d in zip(size, kernel, dilation, strict=True))
    shape = (int(rng.choice([1, 1, 2])), *size, in_c)

    def attrs(levels):
        return BinaryConv2DAttrs(stride, dilation, padding, rng.choice(list(Activation)), levels)

    return layer(rng, "BINARY_CONV_2D", shape, (out_c, *kernel, in_c), attrs)
