"""MAXIMUM: the larger of two elements."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.extreme import Extreme


@register
class Maximum(Extreme):
    name = "MAXIMUM"
    choose = np.maximum
