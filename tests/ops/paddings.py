"""Cases of PAD and PADV2."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.ir import Tensor

from .graphs import activation_input, constant, quant

_SHAPES = [(1, 5, 4, 3), (2, 3, 2, 2), (4, 5), (7,), (2, 3, 4), (1, 3, 2, 2, 4)]


def operands(rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Data and padding of every rank up to five."""
    while True:
        for shape in _SHAPES:
            amounts = rng.integers(0, 4, (len(shape), 2)).astype(np.int32)
            amounts[rng.random(len(shape)) < 0.3] = 0
            if len(shape) == 5:
                amounts[[0, 4]] = 0  # four padded axes are the most that kernels take
            yield activation_input("x", shape, quant(rng)), constant("padding", amounts)
