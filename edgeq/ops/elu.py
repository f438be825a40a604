"""ELU: x where it is positive, exp(x) − 1 where it is not."""

import numpy as np

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.lookup import Curve, LookupAttrs


@register
class Elu(Curve):
    """TFLite has one kernel for it, of int8, in its default resolver: the table of the float32 function."""

    name = "ELU"

    def function(self, attrs: LookupAttrs, x: np.ndarray, y: Tensor | None = None) -> np.ndarray:
        return np.where(x < 0, np.expm1(np.minimum(x, 0).astype(np.float64)).astype(np.float32), x)
