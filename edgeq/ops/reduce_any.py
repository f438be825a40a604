"""REDUCE_ANY: whether any of the elements along any axes holds."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.reduce_bool import ReduceBool


@register
class ReduceAny(ReduceBool):
    name = "REDUCE_ANY"
    choose = np.any
