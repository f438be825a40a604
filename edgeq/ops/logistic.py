"""LOGISTIC: 1 / (1 + exp(−x))."""

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir import DType, Tensor
from edgeq.ops import register
from edgeq.ops.base import OutputRule, QuantRule
from edgeq.ops.lookup import Lookup, LookupAttrs, LookupParams, tabulated
from edgeq.ops.sigmoid16 import SigmoidParams, logistic, sigmoid_params

OUTPUT = {DType.INT8: (1.0 / 256.0, -128), DType.INT16: (1.0 / 32768.0, 0)}


@register
class Logistic(Lookup):
    name = "LOGISTIC"
    Params = (LookupParams, SigmoidParams)
    dtypes = (DType.INT8, DType.INT16)

    def wide(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> SigmoidParams:
        if y.quant.per_tensor != OUTPUT[DType.INT16]:
            raise QuantizationError("an int16 logistic needs a result of scale 1/32768", where=where)
        return sigmoid_params(x, 0)

    def simulate(self, p: LookupParams | SigmoidParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (logistic(p, x),) if isinstance(p, SigmoidParams) else super().simulate(p, x)

    def quant_rule(self, attrs: LookupAttrs) -> QuantRule:
        return QuantRule(OutputRule.FIXED, tuple(OUTPUT.items()))

    def evaluate(self, attrs: LookupAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (_logistic(x),)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        if y.quant.per_tensor[0] != OUTPUT[DType.INT8][0]:
            raise QuantizationError("an int8 logistic needs a result of scale 1/256", where=where)
        return tabulated(x, y, _logistic)


def _logistic(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        exponential = np.exp(-x.astype(np.float64)).astype(np.float32)
    return np.float32(1.0) / (np.float32(1.0) + exponential)
