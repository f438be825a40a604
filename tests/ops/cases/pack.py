"""One to three tensors stacked along a new axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.pack import PackAttrs

from ..graphs import Case, activation_input, one_node, quant, shape_of
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.BOOL,)


def options(attrs: PackAttrs) -> Any:
    return table("PackOptions", valuesCount=attrs.values_count, axis=attrs.axis)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (3, 2, 1, 0):
            for count in (2, 3, 1):
                axis = int(rng.integers(-rank - 1, rank + 1))
                common, shape = quant(rng), shape_of(rng, rank)
                operands = [activation_input(f"x{i}", shape, common) for i in range(count)]
                yield one_node(rng, "PACK", operands, common, PackAttrs(count, axis))
