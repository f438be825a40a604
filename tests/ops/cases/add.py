"""Sums, with and without broadcasting."""

from typing import Any

from edgeq.ops.addition import AdditionAttrs

from ..elementwise import cases_of, sum_scale
from ..one_op import TFLITE_ACTIVATION
from ..one_op import options as table

cases = cases_of("ADD", AdditionAttrs, sum_scale)

#: TFLite adds int16 in another way where scales are powers of two.
TIE_UNIT = 1.5


def options(attrs: AdditionAttrs) -> Any:
    return table("AddOptions", fusedActivationFunction=TFLITE_ACTIVATION[attrs.activation])
