"""All axes of size 1 dropped, or some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.squeeze import SqueezeAttrs

from ..graphs import Case, activation_input, one_node, quant
from ..one_op import options as table


def options(attrs: SqueezeAttrs) -> Any:
    return table("SqueezeOptions", squeezeDims=list(attrs.axes))


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for shape, axes in (((1, 3, 1, 4), ()), ((1, 3, 1, 4), (2,)), ((1, 1, 5), (-3, 1)), ((2, 1), (1,))):
            x = activation_input("x", shape, quant(rng))
            yield one_node(rng, "SQUEEZE", [x], x.quant, SqueezeAttrs(axes))
