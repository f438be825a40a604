"""PRELU with slopes per tensor, per channel and per element, constant and computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.pairwise import PairwiseAttrs

from ..graphs import Case, activation_input, constant, int8_values, one_node, quant

_SHAPES = [
    ((1, 3, 4, 5), (5,)),
    ((1, 3, 4, 5), (1, 1, 5)),
    ((2, 3, 4, 5), (3, 4, 5)),
    ((1, 3, 4, 5), (1, 3, 4, 5)),
    ((2, 7), (1,)),
]


LITERT_ONLY = (DType.INT16,)


def options(attrs: PairwiseAttrs) -> Any:
    return None  # TFLite has no options table for it


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for shape, slopes in _SHAPES:
            x = activation_input("x", shape, quant(rng))
            alpha = activation_input("alpha", slopes, quant(rng, 0.01))
            if rng.random() < 0.7:
                alpha = constant("alpha", int8_values(rng, slopes), alpha.quant)
            yield one_node(rng, "PRELU", [x, alpha], quant(rng, float(x.quant.scale[0])), PairwiseAttrs())
