"""LESS: whether the first of two elements is smaller."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.comparison import Comparison


@register
class Less(Comparison):
    name = "LESS"
    function = np.less
