"""Concatenations of one to four operands along any axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.concatenation import ConcatenationAttrs

from ..graphs import Case, activation_input, constant, int8_values, one_node, quant
from ..one_op import TFLITE_ACTIVATION
from ..one_op import options as table


def options(attrs: ConcatenationAttrs) -> Any:
    return table("ConcatenationOptions", axis=attrs.axis, fusedActivationFunction=TFLITE_ACTIVATION[attrs.activation])


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (4, 2, 3, 1):
            for count in (2, 3, 1, 4):
                axis = int(rng.integers(-rank, rank))
                shape = rng.integers(1, 5, rank)
                common = quant(rng)
                operands = []
                for i in range(count):
                    shape[axis] = rng.integers(1, 6)
                    operands.append(activation_input(f"x{i}", tuple(int(d) for d in shape), common))
                if count == 3:
                    operands[1] = constant("x1", int8_values(rng, operands[1].shape), common)
                yield one_node(rng, "CONCATENATION", operands, common, ConcatenationAttrs(axis))
