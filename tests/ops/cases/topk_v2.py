"""The largest of rows, some with few values, so that equals compete for a place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.topk_v2 import TopkAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table


def options(attrs: TopkAttrs) -> Any:
    return table("TopKV2Options")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (2, 1, 4, 3):
            for few in (False, True):
                shape = tuple(d + 3 for d in shape_of(rng, rank))
                x = activation_input("x", shape, quant(rng))
                k = constant("k", np.int32(rng.integers(1, shape[-1] + 1)))
                case = one_node(rng, "TOPK_V2", [x, k], x.quant, TopkAttrs())
                tensors = dict(case.graph.tensors)
                tensors["y1"] = replace(tensors["y1"], dtype=DType.INT32, quant=None)
                inputs = tuple(v // np.int8(50) for v in case.inputs) if few else case.inputs
                yield Case(case.op, replace(case.graph, tensors=tensors), inputs)
