"""NEG: −x."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.pointwise import Pointwise


@register
class Neg(Pointwise):
    """LiteRT 2.x has an int8 kernel that turns the integers' sign, whatever their zero points: it says the same only
    where scales are equal and zero points 0, and not of −128."""

    name = "NEG"

    def function(self, x: np.ndarray) -> np.ndarray:
        return -x
