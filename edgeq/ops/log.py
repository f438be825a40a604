"""LOG: the natural logarithm; the smallest result of what has none."""

import numpy as np

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.lookup import Lookup, LookupAttrs, tabulated


@register
class Log(Lookup):
    """LiteRT 2.x has the int8 kernel, a table as here; TFLite 2.14 has none."""

    name = "LOG"

    def evaluate(self, attrs: LookupAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (_log(x),)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        return tabulated(x, y, _log)


def _log(x: np.ndarray) -> np.ndarray:
    smallest = np.finfo(np.float32).min
    y = np.full(x.shape, smallest, np.float64)
    return np.log(x, out=y, where=x > 0, dtype=np.float64).astype(np.float32)
