"""Dense layers over vectors, batches and tensors of higher rank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops import Activation
from edgeq.ops.fully_connected import FullyConnectedAttrs

from ..graphs import Case, activation_input, bias, from_zero, one_node, quant, sum_quant, weights, zero_point
from ..one_op import TFLITE_ACTIVATION
from ..one_op import options as table


def options(attrs: FullyConnectedAttrs) -> Any:
    return table(
        "FullyConnectedOptions",
        fusedActivationFunction=TFLITE_ACTIVATION[attrs.activation],
        keepNumDims=attrs.keep_num_dims,
    )


def interprets_int4(case: Case) -> bool:
    """TFLite refuses int4 weights with a scale per unit."""
    return case.graph.tensors["w"].quant.scale.size == 1 or case.graph.tensors["w"].dtype is not DType.INT4


def cases(rng: np.random.Generator) -> Iterator[Case]:
    yield _rectified(rng)
    while True:
        for keep_num_dims in (False, True):
            for per_channel in (False, True):
                depth, units = int(rng.integers(1, 70)), int(rng.integers(1, 20))
                leading = [(1,), (int(rng.integers(2, 5)),), (1, 2, 3)][rng.integers(3)]
                if per_channel and keep_num_dims:
                    leading = leading[:1]  # tflite-runtime 2.14 leaves results of more dimensions unfinished
                x = activation_input("x", (*leading, depth), quant(rng))
                w = weights(rng, (units, depth), axis=0 if per_channel else None)
                if not per_channel and rng.random() < 0.4:
                    w = replace(w, quant=replace(w.quant, zero_point=[zero_point(rng)]))
                b = None if rng.random() < 0.2 else bias(rng, x, w, units, depth)
                attrs = FullyConnectedAttrs(rng.choice(list(Activation)), keep_num_dims)
                yield one_node(rng, "FULLY_CONNECTED", [x, w, b], sum_quant(rng, x, w, depth), attrs)


def _rectified(rng: np.random.Generator) -> Case:
    """What is below the zero point is cut off by the range of int8."""
    x = activation_input("x", (2, 45), quant(rng))
    w = weights(rng, (11, 45), axis=0)
    y = from_zero(sum_quant(rng, x, w, 45))
    return one_node(rng, "FULLY_CONNECTED", [x, w, bias(rng, x, w, 11, 45)], y, FullyConnectedAttrs(Activation.RELU))
