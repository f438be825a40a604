"""Cases of the pooling operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgeq.ops import Activation
from edgeq.ops.pooling import PoolAttrs
from edgeq.ops.spatial import Padding

from .graphs import Case, activation_input, one_node, quant
from .one_op import TFLITE_ACTIVATION, TFLITE_PADDING
from .one_op import options as table


def options(attrs: PoolAttrs) -> Any:
    return table(
        "Pool2DOptions",
        padding=TFLITE_PADDING[attrs.padding],
        strideH=attrs.stride[0],
        strideW=attrs.stride[1],
        filterHeight=attrs.filter[0],
        filterWidth=attrs.filter[1],
        fusedActivationFunction=TFLITE_ACTIVATION[attrs.activation],
    )


def cases_of(op: str) -> Callable[[np.random.Generator], Iterator[Case]]:
    def cases(rng: np.random.Generator) -> Iterator[Case]:
        while True:
            for padding in Padding:
                for whole in (False, True):
                    window = tuple(int(k) for k in rng.integers(1, 6, 2))
                    size = window if whole else tuple(k + int(rng.integers(0, 8)) for k in window)
                    stride = tuple(int(s) for s in rng.integers(1, 4, 2))
                    x = activation_input("x", (int(rng.choice([1, 2])), *size, int(rng.integers(1, 20))), quant(rng))
                    attrs = PoolAttrs(window, stride, padding, rng.choice(list(Activation)))
                    yield one_node(rng, op, [x], x.quant, attrs)

    return cases
