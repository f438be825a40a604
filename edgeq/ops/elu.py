"""ELU: x where it is positive, exp(x) − 1 where it is not."""

import numpy as np

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.lookup import Lookup, LookupAttrs, tabulated


@register
class Elu(Lookup):
    """TFLite has one kernel for it, in its default resolver: the table of the float32 function."""

    name = "ELU"

    def evaluate(self, attrs: LookupAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (_elu(x),)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        return tabulated(x, y, _elu)


def _elu(x: np.ndarray) -> np.ndarray:
    return np.where(x < 0, np.expm1(np.minimum(x, 0).astype(np.float64)).astype(np.float32), x)
