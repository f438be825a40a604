"""SOFTMAX of int16: two tables of 513 entries, interpolated (TFLite's SoftmaxInt16)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import quantize_multiplier, requantize
from edgeq.fixedpoint_tables import interpolate, interpolated_table
from edgeq.ir import Tensor, frozen_array

# Differences of −10 and less count as −10. The tables' results are halved: 1 is 2^15 − 1/2 of them.
_LOWEST = -10.0
_SCALE = 2.0 / 65535.0

#: exp(x) for x in [−10, 0] and 1 / (1 + x) for x in [0, 1].
EXP = frozen_array(interpolated_table(np.exp, _LOWEST, 0.0, _SCALE))
RECIPROCAL = frozen_array(interpolated_table(lambda x: 1.0 / (1.0 + x), 0.0, 1.0, _SCALE))


@dataclass(frozen=True)
class Softmax16Params:
    """multiplier, shift: bring a difference of inputs to units of 10/65535."""

    rows: int
    row_size: int
    multiplier: int
    shift: int


def softmax16_params(beta: float, x: Tensor) -> Softmax16Params:
    # the product of scale and beta is float32 (TFLite's SoftmaxPrepare)
    real = float(x.quant.scale[0] * np.float32(beta)) / (10.0 / 65535.0)
    return Softmax16Params(x.size // x.shape[-1], x.shape[-1], *quantize_multiplier(real))


def softmax16(p: Softmax16Params, x: np.ndarray) -> np.ndarray:
    """int16 results of scale 2^−15."""
    rows = x.reshape(-1, p.row_size).astype(np.int64)
    below = rows - rows.max(axis=1, keepdims=True)
    scaled = requantize(below, p.multiplier, p.shift)
    exponentials = interpolate(EXP, np.clip(scaled + 32767, -32768, 32767))
    total = exponentials.sum(axis=1, keepdims=True)
    _, bits = np.frexp(total.astype(np.float64))
    headroom = 31 - bits  # of a 31-bit number
    mantissa = ((total << headroom) + (1 << 13)) >> 14
    reciprocal = interpolate(RECIPROCAL, np.clip(mantissa - (1 << 15) - (1 << 16), -32768, 32767))
    shift = 30 - headroom
    y = (exponentials * reciprocal + (np.int64(1) << (shift - 1))) >> shift
    return np.clip(y, 0, 32767).astype(np.int16).reshape(x.shape)
