"""LOGICAL_AND of two bools."""

import numpy as np

from edgeq.ir import DType
from edgeq.ops import register
from edgeq.ops.integers import IntegerPairwise


@register
class LogicalAnd(IntegerPairwise):
    name = "LOGICAL_AND"
    dtypes = (DType.BOOL,)
    function = np.logical_and
