"""Running sums along any axis, forwards and backwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.cumsum import CumsumAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.INT8, DType.INT16)


def options(attrs: CumsumAttrs) -> Any:
    return table("CumsumOptions", exclusive=attrs.exclusive, reverse=attrs.reverse)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (3, 1, 4, 2):
            for exclusive, reverse in ((False, False), (True, True), (True, False), (False, True)):
                x = activation_input("x", shape_of(rng, rank), quant(rng))
                axis = constant("axis", np.int32(rng.integers(-rank, rank)))
                output = quant(rng, 2 * float(x.quant.scale[0]))
                yield one_node(rng, "CUMSUM", [x, axis], output, CumsumAttrs(exclusive, reverse))
