"""Layers that see their input as one of two values, and whose weights are −1 and 1: XNOR networks.

The input is int8, as everywhere. The layer itself compares each value with a threshold and goes on with b = 1 where the
value reaches it and b = −1 elsewhere, which stand for

    step · (b − zero):    −step and step with a zero of 0,    0 and 2·step with a zero of −1

so that the threshold lies midway. The second form is for inputs that are never negative, as behind a ReLU. What lies
outside of an image counts as 0, as in every convolution: with a zero of −1 as the lower value, else as neither.

After Rastegari et al., "XNOR-Net" (2016), with one step for a layer's whole input in place of their matrix K.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, QuantParams
from edgeq.ops.base import Lowered, Op, affine


@dataclass(frozen=True)
class TwoLevels:
    """The two values of an input: see above. step: a positive float32. zero: 0 or −1."""

    step: float = 1.0
    zero: int = 0

    @property
    def threshold(self) -> float:
        """The least number that becomes the upper value."""
        return -self.zero * self.step

    @property
    def quant(self) -> QuantParams:
        """What b, −1 or 1, stands for."""
        return QuantParams([self.step], [self.zero])

    def nearest(self, x: np.ndarray) -> np.ndarray:
        """float32 values of the two, each as near to x as can be."""
        upper = x >= np.float32(self.threshold)
        return np.where(upper, np.float32(1 - self.zero), np.float32(-1 - self.zero)) * np.float32(self.step)


class BinaryInputs(Op):
    """What makes an operator of this kind of one that multiplies int8 inputs by constant weights.

    Its attrs have `levels`. Its parameter dataclass is that of the other operator with `threshold`, int8: b is 1 where
    the input is no less.
    """

    dtypes = (DType.INT8,)
    weight_types = (DType.BINARY,)
    finer_weights = False
    own = True

    def evaluate(self, attrs: Any, x: np.ndarray, *rest: np.ndarray | None) -> tuple[np.ndarray, ...]:
        return super().evaluate(attrs, attrs.levels.nearest(x), *rest)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, w = graph.operands(node)[:2]
        levels: TwoLevels = node.attrs.levels
        threshold = integer_threshold(levels, *affine(x, node.loc))
        signs = replace(x, quant=levels.quant)
        # there is no TFLite whose dialect it could be
        lowered = super().lower(node, graph.rewrite(tensors=[signs]), Dialect.DOUBLE)
        if w.dtype is not DType.BINARY:
            raise QuantizationError(f"binary inputs need binary weights, these are {w.dtype.value}", where=node.loc)
        kept = {field.name: getattr(lowered.params, field.name) for field in fields(lowered.params)}
        params = self.Params(**kept, threshold=threshold)
        products = params.weights[0].size * (1 - levels.zero)
        bound = products + int(np.abs(params.bias.astype(np.int64)).max(initial=0))
        return replace(lowered, params=params, accumulator_bound=bound)

    def simulate(self, p: Any, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return super().simulate(p, np.where(x >= p.threshold, 1, -1).astype(np.int8))


def integer_threshold(levels: TwoLevels, scale: float, zero_point: int) -> int:
    """The least int8 whose real value reaches the threshold; 127 where none does."""
    every = np.arange(*DType.INT8.range, dtype=np.int64)
    real = np.float32(scale) * (every - zero_point).astype(np.float32)
    return int(every[0]) + int(np.count_nonzero(real < np.float32(levels.threshold)))
