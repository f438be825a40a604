"""NEG: −x."""

import numpy as np

from edgeq.fixedpoint import quantize_multiplier
from edgeq.ir import DType, Tensor
from edgeq.ops import register
from edgeq.ops.lookup import LookupAttrs, LookupParams, quotient
from edgeq.ops.pointwise import Pointwise
from edgeq.ops.rescaling import RescaleParams, rescaling


@register
class Neg(Pointwise):
    """Of int16 a requantization with a negative multiplier.

    LiteRT 2.x has kernels that turn the integers' sign, whatever their zero points: they say the same only where scales
    are equal and zero points 0, and not of the smallest integer.
    """

    name = "NEG"
    dtypes = (DType.INT8, DType.INT16)
    Params = (LookupParams, RescaleParams)

    def real(self, x: np.ndarray) -> np.ndarray:
        return -x

    def wide(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> RescaleParams:
        multiplier, shift = quantize_multiplier(quotient(x, y))
        return rescaling(x, y, (-multiplier, shift))
