"""TANH."""

import numpy as np

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.base import OutputRule, QuantRule
from edgeq.ops.lookup import Lookup, LookupAttrs, tabulated

OUTPUT = (1.0 / 128.0, 0)


@register
class Tanh(Lookup):
    name = "TANH"

    def quant_rule(self, attrs: LookupAttrs) -> QuantRule:
        return QuantRule(OutputRule.FIXED, OUTPUT)

    def evaluate(self, attrs: LookupAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (_tanh(x),)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        return tabulated(x, y, _tanh)


def _tanh(x: np.ndarray) -> np.ndarray:
    return np.tanh(x.astype(np.float64)).astype(np.float32)
