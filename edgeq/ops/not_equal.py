"""NOT_EQUAL: whether two elements differ."""

import numpy as np

from edgeq.ir import DType
from edgeq.ops import register
from edgeq.ops.comparison import Comparison


@register
class NotEqual(Comparison):
    name = "NOT_EQUAL"
    dtypes = (*Comparison.dtypes, DType.BOOL)
    scaled = (DType.INT8, DType.INT16)
    function = np.not_equal
