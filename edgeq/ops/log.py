"""LOG: the natural logarithm; the smallest result of what has none."""

import numpy as np

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.lookup import Curve, LookupAttrs


@register
class Log(Curve):
    """LiteRT 2.x has the kernels, tables as here; TFLite 2.14 has none."""

    name = "LOG"
    wraps = True

    def function(self, attrs: LookupAttrs, x: np.ndarray, y: Tensor | None = None) -> np.ndarray:
        smallest = np.finfo(np.float32).min if y is None else _smallest(y)
        result = np.full(x.shape, smallest, np.float64)
        return np.log(x, out=result, where=x > 0, dtype=np.float64).astype(np.float32)


def _smallest(y: Tensor) -> np.float32:
    return np.float32(y.dtype.range[0] - y.quant.per_tensor[1]) * y.quant.scale[0]
