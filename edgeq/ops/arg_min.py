"""ARG_MIN: where the smallest element along an axis stands."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.arg_extreme import ArgExtreme


@register
class ArgMin(ArgExtreme):
    name = "ARG_MIN"
    choose = np.argmin
