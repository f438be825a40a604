"""GREATER: whether the first of two elements is larger."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.comparison import Comparison


@register
class Greater(Comparison):
    name = "GREATER"
    function = np.greater
