"""FLOOR_DIV: the quotient of two integers, rounded down; 0 where the divisor is 0."""

import numpy as np

from edgeq.ir import DType
from edgeq.ops import register
from edgeq.ops.integers import IntegerPairwise


@register
class FloorDiv(IntegerPairwise):
    """Of the integers themselves, whatever their scale: TFLite does not quantize this operator."""

    name = "FLOOR_DIV"
    dtypes = (DType.INT8, DType.INT16, DType.INT32)
    function = np.floor_divide
