"""EXP."""

import numpy as np

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.lookup import Lookup, LookupAttrs, tabulated


@register
class Exp(Lookup):
    """Results beyond the range saturate.

    TFLite 2.14 converts them to int32 first, which is undefined from 2^31 on (on x86 it gives the smallest int8);
    LiteRT 2.x saturates too.
    """

    name = "EXP"

    def evaluate(self, attrs: LookupAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (_exp(x),)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        return tabulated(x, y, _exp)


def _exp(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.exp(x.astype(np.float64)).astype(np.float32)
