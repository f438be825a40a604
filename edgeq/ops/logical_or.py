"""LOGICAL_OR of two bools."""

import numpy as np

from edgeq.ir import DType
from edgeq.ops import register
from edgeq.ops.integers import IntegerPairwise


@register
class LogicalOr(IntegerPairwise):
    name = "LOGICAL_OR"
    dtypes = (DType.BOOL,)
    function = np.logical_or
