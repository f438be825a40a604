"""TANH."""

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir import DType, Tensor
from edgeq.ops import register
from edgeq.ops.base import OutputRule, QuantRule
from edgeq.ops.lookup import Lookup, LookupAttrs, LookupParams, tabulated
from edgeq.ops.sigmoid16 import SigmoidParams, sigmoid_params, tanh

OUTPUT = {DType.INT8: (1.0 / 128.0, 0), DType.INT16: (1.0 / 32768.0, 0)}


@register
class Tanh(Lookup):
    name = "TANH"
    Params = (LookupParams, SigmoidParams)
    dtypes = (DType.INT8, DType.INT16)

    def wide(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> SigmoidParams:
        if y.quant.per_tensor != OUTPUT[DType.INT16]:
            raise QuantizationError("an int16 hyperbolic tangent needs a result of scale 1/32768", where=where)
        return sigmoid_params(x, 1)

    def simulate(self, p: LookupParams | SigmoidParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (tanh(p, x),) if isinstance(p, SigmoidParams) else super().simulate(p, x)

    def quant_rule(self, attrs: LookupAttrs) -> QuantRule:
        return QuantRule(OutputRule.FIXED, tuple(OUTPUT.items()))

    def evaluate(self, attrs: LookupAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (_tanh(x),)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        return tabulated(x, y, _tanh)


def _tanh(x: np.ndarray) -> np.ndarray:
    return np.tanh(x.astype(np.float64)).astype(np.float32)
