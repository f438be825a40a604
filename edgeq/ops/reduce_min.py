"""REDUCE_MIN: the smallest element along any axes."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.reduce_extreme import ReduceExtreme


@register
class ReduceMin(ReduceExtreme):
    name = "REDUCE_MIN"
    choose = np.amin
