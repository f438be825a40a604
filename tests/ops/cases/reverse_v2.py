"""One axis backwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.reverse_v2 import ReverseV2Attrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table


def options(attrs: ReverseV2Attrs) -> Any:
    return table("ReverseV2Options")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (4, 3, 2, 1):
            x = activation_input("x", shape_of(rng, rank), quant(rng))
            axes = constant("axes", np.int32([rng.integers(rank)]))
            yield one_node(rng, "REVERSE_V2", [x, axes], x.quant, ReverseV2Attrs())
