"""LESS_EQUAL: whether the first of two elements is not larger."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.comparison import Comparison


@register
class LessEqual(Comparison):
    name = "LESS_EQUAL"
    function = np.less_equal
