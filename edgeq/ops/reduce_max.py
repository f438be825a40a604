"""REDUCE_MAX: the largest element along any axes."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.reduce_extreme import ReduceExtreme


@register
class ReduceMax(ReduceExtreme):
    name = "REDUCE_MAX"
    choose = np.amax
