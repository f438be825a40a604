"""FLOOR_MOD: what is left of a quotient rounded down, of the divisor's sign; 0 where the divisor is 0."""

import numpy as np

from edgeq.ir import DType
from edgeq.ops import register
from edgeq.ops.integers import IntegerPairwise


@register
class FloorMod(IntegerPairwise):
    """Of the integers themselves, whatever their scale: TFLite does not quantize this operator."""

    name = "FLOOR_MOD"
    dtypes = (DType.INT8, DType.INT16, DType.INT32, DType.INT64)
    function = np.mod
