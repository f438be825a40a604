"""REDUCE_ALL: whether all of the elements along any axes hold."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.reduce_bool import ReduceBool


@register
class ReduceAll(ReduceBool):
    name = "REDUCE_ALL"
    choose = np.all
