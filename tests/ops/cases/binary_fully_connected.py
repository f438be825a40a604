"""Dense layers of two-valued inputs: any depth, batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.ops import Activation
from edgeq.ops.binary_fully_connected import BinaryFullyConnectedAttrs

from ..binary import layer, nearest
from ..graphs import Case

#: Half a step for each of two roundings.
BOUND = 1.0


def meaning(attrs: BinaryFullyConnectedAttrs, x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    rows = nearest(attrs.levels, x)
    if not attrs.keep_num_dims:
        rows = rows.reshape(rows.shape[0], -1, w.shape[-1])
    total = rows @ w[0].T
    return np.clip(total if b is None else total + b, *attrs.activation.bounds)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for depth in (64, 7, 33, 96, int(rng.integers(1, 300))):
            for keep_num_dims in (False, True):
                shape = (int(rng.integers(1, 4)), depth)

                def attrs(levels, keep_num_dims=keep_num_dims):
                    return BinaryFullyConnectedAttrs(rng.choice(list(Activation)), keep_num_dims, levels)

                yield layer(rng, "BINARY_FULLY_CONNECTED", shape, (int(rng.integers(1, 20)), depth), attrs)
