"""Products, with and without broadcasting."""

from typing import Any

from edgeq.ops.pairwise import FusedPairwiseAttrs

from ..elementwise import cases_of, product_scale
from ..one_op import TFLITE_ACTIVATION
from ..one_op import options as table

cases = cases_of("MUL", FusedPairwiseAttrs, product_scale)


def options(attrs: FusedPairwiseAttrs) -> Any:
    return table("MulOptions", fusedActivationFunction=TFLITE_ACTIVATION[attrs.activation])
