"""MINIMUM: the smaller of two elements."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.extreme import Extreme


@register
class Minimum(Extreme):
    name = "MINIMUM"
    choose = np.minimum
