"""GREATER_EQUAL: whether the first of two elements is not smaller."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.comparison import Comparison


@register
class GreaterEqual(Comparison):
    name = "GREATER_EQUAL"
    function = np.greater_equal
