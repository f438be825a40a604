"""EQUAL: whether two elements are equal."""

import numpy as np

from edgeq.ir import DType
from edgeq.ops import register
from edgeq.ops.comparison import Comparison


@register
class Equal(Comparison):
    name = "EQUAL"
    dtypes = (*Comparison.dtypes, DType.BOOL)
    scaled = (DType.INT8, DType.INT16)
    function = np.equal
