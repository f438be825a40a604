"""Reflected and symmetric borders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.mirror_pad import MirrorPadAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.BOOL,)


def options(attrs: MirrorPadAttrs) -> Any:
    return table("MirrorPadOptions", mode=int(attrs.symmetric))


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (4, 3, 2, 1):
            for symmetric in (False, True):
                x = activation_input("x", shape_of(rng, rank), quant(rng))
                most = [d if symmetric else d - 1 for d in x.shape]
                padding = np.array([rng.integers(0, m + 1, 2) for m in most], np.int32)
                padding[rng.random(rank) < 0.3] = 0
                yield one_node(rng, "MIRROR_PAD", [x, constant("padding", padding)], x.quant, MirrorPadAttrs(symmetric))
