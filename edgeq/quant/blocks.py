"""Scales and minima of blocks of weights, as integers in units of their channel's scale.

Q8_0, Q4_0 and Q4_1 of GGUF files have a float16 scale (and minimum) for every 32 weights, by which a microcontroller
would have to multiply each block's sum. Here the channel has the one real scale, and a block's scale is an 8-bit
integer multiple of it, so that blocks are summed in integers and requantized once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgeq.ir import Blocks, QuantParams
from edgeq.quant.params import SMALLEST_SCALE
from edgeq.quant.schemes import RoleScheme

#: Weights of a block, as in GGUF files.
SIZE = 32
#: Largest magnitudes of a block's scale and minimum. Beyond 5 bits (6 of int8 weights) scales gain nothing that can be
#: measured: a byte is what is quick to read.
MAX_SCALE, MAX_MINIMUM = 127, 32767
# What the sum of a channel's products may reach: with as much for the bias, int32 holds both.
_MAX_SUM = 1 << 30
# Largest magnitude of an int8 input less its zero point.
_REACH = 255
#: Shares of a block's range that a search tries: what lies beyond saturates.
FRACTIONS = np.arange(20, 9, -1) / 20

#: Errors, float64 (channels, blocks, size), in units of the channel's scale → what they cost: (channels, blocks).
Cost = Callable[[np.ndarray], np.ndarray]


def squared(errors: np.ndarray) -> np.ndarray:
    """The cost of errors where nothing is known of the inputs."""
    return np.square(errors).sum(axis=2)


@dataclass(frozen=True, eq=False)
class Blocked:
    """Weights cut into blocks.

    Attributes:
        values: float64 (channels, blocks, size), the last block filled up with its last weight.
        there: bool (blocks, size): False for what fills up.
    """

    values: np.ndarray
    there: np.ndarray

    @classmethod
    def of(cls, weights: np.ndarray) -> Blocked:
        """weights: (channels, …)."""
        rows = weights.reshape(weights.shape[0], -1).astype(np.float64)
        fill = -rows.shape[1] % SIZE
        values = np.pad(rows, ((0, 0), (0, fill)), mode="edge").reshape(len(rows), -1, SIZE)
        there = (np.arange(values.shape[1] * SIZE) < rows.shape[1]).reshape(-1, SIZE)
        return cls(values, there)


def block_params(weights: np.ndarray, role: RoleScheme, least_scale: np.ndarray | float = 0.0) -> QuantParams:
    """Parameters of weights in blocks of SIZE.

    Args:
        weights: (channels, …); a channel's weights are cut in C order.
        role: its algorithm is "abs-max", where no weight saturates beyond rounding, or "mse". A symmetric one whose
            range has one more negative integer puts the weight of largest magnitude there, as Q4_0 does: scales may be
            negative.
        least_scale: the channels' scales are not smaller than this, (channels,) or one.

    Scales are as small as the 8 bits of block scales and the accumulator allow.
    """
    blocked = Blocked.of(weights)
    scale, minimum = _ranges(blocked.values, role)
    finest = np.maximum(np.abs(scale).max(axis=1) / MAX_SCALE, np.abs(minimum).max(axis=1) / MAX_MINIMUM)
    finest = np.maximum(finest, least_scale)
    unit = np.where(finest > SMALLEST_SCALE, finest, 1.0).astype(np.float32)
    fractions = FRACTIONS if role.algorithm == "mse" else FRACTIONS[:1]
    while True:
        params = QuantParams(unit, np.zeros(len(unit)), 0, best_blocks(blocked, unit, role, fractions, squared))
        too_large = _sums(params, weights, role) > _MAX_SUM
        if not too_large.any():
            return params
        unit = np.where(too_large, unit * 2, unit).astype(np.float32)


def best_blocks(blocked: Blocked, unit: np.ndarray, role: RoleScheme, fractions: np.ndarray, cost: Cost) -> Blocks:
    """For each block the scale, and minimum, whose errors cost least; the widest of equals.

    Args:
        unit: the channels' scales, float32 (channels,).
        fractions: what scales are tried, as shares of the one at which nothing saturates.
    """
    values = blocked.values / unit.astype(np.float64)[:, np.newaxis, np.newaxis]
    whole, minimum = _ranges(values, role)
    best_scale = best_minimum = None
    for fraction in fractions:
        # a range that is narrower at both ends stays around the same middle
        middle = minimum + whole * (role.low + role.high) / 2
        scale = np.rint(whole * fraction)
        scale = np.where((scale == 0) & (whole != 0), np.sign(whole), scale)
        scale = np.clip(scale, -MAX_SCALE, MAX_SCALE)
        least = np.zeros_like(scale)
        if not role.symmetric:
            least = np.clip(np.rint(middle - scale * (role.low + role.high) / 2), -MAX_MINIMUM, MAX_MINIMUM)
        errors = np.where(blocked.there, values - _nearest(values, scale, least, role), 0.0)
        total = cost(errors)
        if best_scale is None:
            best_scale, best_minimum, best_total = scale, least, total
            continue
        better = total < best_total
        best_scale, best_minimum = np.where(better, scale, best_scale), np.where(better, least, best_minimum)
        best_total = np.where(better, total, best_total)
    return Blocks(SIZE, best_scale, None if role.symmetric else best_minimum)


def _ranges(values: np.ndarray, role: RoleScheme) -> tuple[np.ndarray, np.ndarray]:
    """(scales, what a code of 0 stands for) at which nothing of (channels, blocks, size) saturates, real numbers."""
    if not role.symmetric:
        low, high = values.min(axis=2), values.max(axis=2)
        scale = (high - low) / (role.high - role.low)
        return scale, low - role.low * scale
    place = np.abs(values).argmax(axis=2)[..., np.newaxis]
    extreme = np.take_along_axis(values, place, axis=2)[..., 0]
    scale = np.abs(extreme) / role.high if role.low == -role.high else extreme / role.low
    return scale, np.zeros_like(scale)


def _nearest(values: np.ndarray, scale: np.ndarray, minimum: np.ndarray, role: RoleScheme) -> np.ndarray:
    """What values become, in the units that all are in."""
    scale, minimum = scale[..., np.newaxis], minimum[..., np.newaxis]
    codes = np.clip(np.rint((values - minimum) / np.where(scale == 0, np.inf, scale)), role.low, role.high)
    return codes * scale + minimum


def _sums(params: QuantParams, weights: np.ndarray, role: RoleScheme) -> np.ndarray:
    """What no sum of each channel's products exceeds: int64 (channels,)."""
    codes = np.clip(params.quantize(weights, role.dtype), role.low, role.high)
    least = params.units(np.zeros_like(codes))
    parts = np.abs(params.units(codes) - least) + np.abs(least)
    return parts.reshape(len(parts), -1).sum(axis=1) * _REACH
