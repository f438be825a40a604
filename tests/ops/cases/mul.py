"""Products, with and without broadcasting."""

from typing import Any

from edgeq.ops.mul import MulAttrs

from ..elementwise import cases_of, product_scale
from ..one_op import TFLITE_ACTIVATION
from ..one_op import options as table

cases = cases_of("MUL", MulAttrs, product_scale)


def options(attrs: MulAttrs) -> Any:
    return table("MulOptions", fusedActivationFunction=TFLITE_ACTIVATION[attrs.activation])
