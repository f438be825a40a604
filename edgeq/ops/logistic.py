"""LOGISTIC: 1 / (1 + exp(−x))."""

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.base import OutputRule, QuantRule
from edgeq.ops.lookup import Lookup, LookupAttrs, tabulated

OUTPUT = (1.0 / 256.0, -128)


@register
class Logistic(Lookup):
    name = "LOGISTIC"

    def quant_rule(self, attrs: LookupAttrs) -> QuantRule:
        return QuantRule(OutputRule.FIXED, OUTPUT)

    def evaluate(self, attrs: LookupAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (_logistic(x),)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        if y.quant.per_tensor[0] != OUTPUT[0]:
            raise QuantizationError("an int8 logistic needs a result of scale 1/256", where=where)
        return tabulated(x, y, _logistic)


def _logistic(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        exponential = np.exp(-x.astype(np.float64)).astype(np.float32)
    return np.float32(1.0) / (np.float32(1.0) + exponential)
