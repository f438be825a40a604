"""Products of runtime matrices: transposed operands, broadcast batches, a constant operand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import Tensor
from edgeq.ops.batch_matmul import BatchMatmulAttrs

from ..graphs import Case, activation_input, constant, int8_values, one_node, quant
from ..one_op import options as table

BATCHES = [
    ((), ()),
    ((2,), (2,)),
    ((1,), (3,)),
    ((2, 3), (2, 3)),
    ((2, 1), (1, 3)),
    ((3,), ()),
    ((), (2, 2)),
    ((2,), (3, 1)),
]


def options(attrs: BatchMatmulAttrs) -> Any:
    return table("BatchMatMulOptions", adjX=attrs.adj_x, adjY=attrs.adj_y)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for batches in BATCHES:
            yield _case(rng, *batches)


def _case(rng: np.random.Generator, left: tuple[int, ...], right: tuple[int, ...]) -> Case:
    # tflite-runtime 2.14 leaves results unfinished where the first operand is transposed and has fewer batch axes, not
    # none; LiteRT does not
    adj_x = bool(rng.integers(2)) and not 0 < len(left) < len(right)
    attrs = BatchMatmulAttrs(adj_x, bool(rng.integers(2)))
    rows, depth, columns = (int(d) for d in rng.integers(1, 8, 3))
    x = activation_input("a", (*left, *((depth, rows) if attrs.adj_x else (rows, depth))), quant(rng))
    y = activation_input("b", (*right, *((columns, depth) if attrs.adj_y else (depth, columns))), quant(rng))
    operands: list[Tensor] = [x, y]
    if not left and not right:
        operands[1] = constant("b", int8_values(rng, y.shape), y.quant)
    typical = float(x.quant.scale[0] * y.quant.scale[0]) * 100 * 100 * np.sqrt(depth)
    return one_node(rng, "BATCH_MATMUL", operands, quant(rng, typical / 60), attrs)
