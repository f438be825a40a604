"""Differences, with and without broadcasting."""

from typing import Any

from edgeq.ops.pairwise import FusedPairwiseAttrs

from ..elementwise import cases_of, sum_scale
from ..one_op import TFLITE_ACTIVATION
from ..one_op import options as table

cases = cases_of("SUB", FusedPairwiseAttrs, sum_scale)

#: TFLite adds int16 in another way where scales are powers of two.
TIE_UNIT = 1.5


def options(attrs: FusedPairwiseAttrs) -> Any:
    return table("SubOptions", fusedActivationFunction=TFLITE_ACTIVATION[attrs.activation])
