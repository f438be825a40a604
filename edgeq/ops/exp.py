"""EXP."""

import numpy as np

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.lookup import Curve, LookupAttrs


@register
class Exp(Curve):
    """Results beyond the range saturate.

    TFLite 2.14 converts those of int8 to int32 first, which is undefined from 2^31 on (on x86 it gives the smallest
    int8); LiteRT 2.x saturates too.
    """

    name = "EXP"
    wraps = True

    def function(self, attrs: LookupAttrs, x: np.ndarray, y: Tensor | None = None) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.exp(x.astype(np.float64)).astype(np.float32)
