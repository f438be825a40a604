"""ARG_MAX: where the largest element along an axis stands."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.arg_extreme import ArgExtreme


@register
class ArgMax(ArgExtreme):
    name = "ARG_MAX"
    choose = np.argmax
