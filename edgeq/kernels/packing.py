"""The tables that the tuned kernels read: weights, bias and requantization in the order of their use, as int32 words.

One table per layer, so that a kernel walks a single pointer, and words, so that the table is aligned for LDRD. A lane
is a 16-bit half of a word, the first in the low half; the first of four bytes is the lowest.

Requantization takes three words per channel, `multiplier, addend, shift`, for `edgeq_finish_s8` of edgeq_dsp.h: for an
accumulator a,

    y = round(a · multiplier / 2^31), ties up;    out = (y − [y < 0] + addend) >> shift, saturated

which equals the two roundings of `edgeq.fixedpoint.requantize` plus the output's offset where the factor shifts to the
right: addend is 2^(shift − 1) + output_offset · 2^shift.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgeq.fixedpoint import INT32_MAX, requantize

_BITS = np.uint32


def lanes(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """int32 words of two int16 each."""
    words = (
        low.astype(np.int16).view(np.uint16).astype(_BITS) | high.astype(np.int16).view(np.uint16).astype(_BITS) << 16
    )
    return words.view(np.int32)


def int8_words(values: np.ndarray) -> np.ndarray:
    """int8 (..., 4·n) as int32 words (..., n) of four bytes."""
    parts = np.ascontiguousarray(values, np.int8).view(np.uint8).astype(_BITS)
    parts = parts.reshape(*values.shape[:-1], -1, 4)
    words = parts[..., 0] | parts[..., 1] << 8 | parts[..., 2] << 16 | parts[..., 3] << 24
    return words.view(np.int32)


def packed_ternary(values: np.ndarray) -> np.ndarray:
    """Weights of −1, 0 and 1, each plus 1, as int8: four to a byte in C order, the first in the lowest bits."""
    codes = np.ravel(values).astype(np.int8) + 1
    codes = np.append(codes, np.zeros(-codes.size % 4, np.int8)).reshape(-1, 4).view(np.uint8)
    return (codes[:, 0] | codes[:, 1] << 2 | codes[:, 2] << 4 | codes[:, 3] << 6).view(np.int8)


def packed_bits(bits: np.ndarray) -> np.ndarray:
    """Truth values as int8: eight to a byte in C order, the first in the lowest bit."""
    return np.packbits(np.ravel(bits), bitorder="little").view(np.int8)


def packed_signs(values: np.ndarray, bits: int) -> np.ndarray:
    """Weights in C order as int8, each in so few bits, the first in the lowest: with 2, −1, 0 and 1 in two's
    complement; with one, −1 and 1 by their sign bit. Three bytes more, so that any can be read with those behind it."""
    flat = np.ravel(values).astype(np.int8)
    planes = [flat & 1, flat < 0] if bits == 2 else [flat < 0]
    packed = np.packbits(np.stack(planes, axis=1).ravel(), bitorder="little")
    return np.concatenate([packed, np.zeros(3, np.uint8)]).view(np.int8)


def joint_lanes(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """int32 words (..., n) that hold 256 b + a in each of two lanes. a, b: int8 (..., n, 2)."""
    joint = 256 * b.astype(np.int32) + a
    return lanes(joint[..., 0], joint[..., 1])


def steps_within(weights: np.ndarray, bits: int, unit: int = 4) -> int:
    """The largest multiple of `unit` steps, one at least, after each of which the sum of products with int8 inputs
    still fits so many bits, counted from any multiple on; at most what all steps take.

    weights: int8 (rows, steps, 2).
    """
    wide = weights.astype(np.int64)
    above, below = np.maximum(wide, 0).sum(axis=2), np.minimum(wide, 0).sum(axis=2)
    steps, limit = wide.shape[1], 1 << bits - 1
    # the sums at their highest and, negated, at their lowest
    ends = ((127 * above - 128 * below, limit - 1), (128 * above - 127 * below, limit))
    for taken in range(-(-steps // unit) * unit, unit, -unit):
        if all(np.add.reduceat(end, range(0, steps, taken), axis=1).max(initial=0) <= most for end, most in ends):
            return taken
    return unit


def joint_sums_fit(weights: np.ndarray, bias: np.ndarray, pairs: np.ndarray) -> bool:
    """Whether the two channels of each pair can share words, and the second's sum be had as the difference of sums.

    The words' lanes have to hold 256 b + a, and the second's sum, for every input, to need no more than 24 bits.

    Args:
        weights: int8 (channels, n), multiplied with int8 as they are. bias: integers (channels,).
        pairs: channels a and b, (pairs, 2).
    """
    w = weights.astype(np.int32)
    joint = 256 * w[pairs[:, 1]] + w[pairs[:, 0]]
    if joint.size and (joint.min() < -(1 << 15) or joint.max() >= 1 << 15):
        return False
    above, below = np.maximum(w, 0).sum(axis=1), np.minimum(w, 0).sum(axis=1)
    highest = (127 * above - 128 * below + bias)[pairs[:, 1]]
    lowest = (-128 * above + 127 * below + bias)[pairs[:, 1]]
    return bool(highest.max(initial=0) < 1 << 23 and lowest.min(initial=0) >= -(1 << 23))


def wrap_int32(values: np.ndarray) -> np.ndarray:
    """Integers as int32 modulo 2^32."""
    return (np.asarray(values, np.int64) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def blocks(count: int, size: int) -> np.ndarray:
    """Indices (⌈count / size⌉, size) of items taken `size` at a time; the last block begins where it ends on the last
    item, so that it may repeat some of the one before. With fewer than `size` items, the last one is repeated."""
    starts = np.minimum(np.arange(0, count, size), max(count - size, 0))
    return np.minimum(starts[:, np.newaxis] + np.arange(size), count - 1)


def padded_rows(rows: np.ndarray) -> np.ndarray:
    """int8 (..., n), n of four and more, brought to a multiple of four: where it is none, the last four follow the
    whole fours, those that these hold already set to 0."""
    tail = rows.shape[-1] % 4
    if not tail:
        return rows
    last = rows[..., -4:].copy()
    last[..., : 4 - tail] = 0
    return np.concatenate([rows[..., :-tail], last], axis=-1)


def fold_offset(weights: np.ndarray, bias: np.ndarray, input_offset: int) -> np.ndarray:
    """Biases, int64 (channels,), that make Σ w·x + bias of Σ w·(x + input_offset) + bias. weights: (channels, …)."""
    return bias + input_offset * weights.reshape(weights.shape[0], -1).astype(np.int64).sum(axis=1)


@dataclass(frozen=True, eq=False)
class Channels:
    """Bias, int64 (channels,), and words of requantization, int64 (channels, 3), of a layer's channels."""

    bias: np.ndarray
    quant: np.ndarray


def channels_of(p: Any, weights: np.ndarray, bias: np.ndarray, reach: int) -> Channels | None:
    """What a table says of the channels, or None where it cannot.

    It expresses factors below a half (right shifts) whose sums stay below 2^31. A channel without any weight is a
    constant: converters give such channels huge biases and tiny factors, and here the addend alone makes the constant.
    Tiny factors that turn every accumulator into 0 become a multiplier of 0.

    Args:
        p: parameters with multipliers and shifts (one per channel or one in all) and output_offset.
        weights: int8 (channels, …). bias: integers (channels,).
        reach: largest magnitude of what the weights are multiplied with: the table is such that no partial sum
            overflows, nor twice the accumulator, as which it enters requantization.
    """
    bias = np.asarray(bias, np.int64)
    multiplier = np.broadcast_to(p.multipliers, bias.shape).astype(np.int64)
    shift = -np.broadcast_to(p.shifts, bias.shape).astype(np.int64)
    total = np.abs(weights.reshape(len(bias), -1).astype(np.int64)).sum(axis=1)
    idle = total == 0
    constant = np.where(idle, np.clip(requantize(bias, multiplier, -shift), -512, 511), 0)
    bias = np.where(idle, 0, bias)
    bound = total * reach + np.abs(bias)
    if bound.max(initial=0) * 2 > INT32_MAX:
        return None
    # |y| of above is at most this; at an exact half it rounds away from zero, below a half to zero
    once = (bound * np.abs(multiplier) + (1 << 30)) >> 31
    vanishes = idle | (multiplier == 0) | (shift > 0) & (once < (1 << np.maximum(shift, 1) - 1))
    multiplier = np.where(vanishes, 0, multiplier)
    shift = np.where(vanishes, 1, shift)
    if multiplier.min(initial=0) < 0 or shift.min(initial=1) < 1:
        return None
    addend = (1 << shift - 1) + ((p.output_offset + constant) << shift)
    if (np.abs(addend) + once + 1).max(initial=0) > INT32_MAX:
        return None
    return Channels(bias, np.stack([multiplier, addend, shift], axis=1))


def either_channels_of(p: Any, weights: np.ndarray, bias: np.ndarray, reach: int) -> tuple[Channels, bool] | None:
    """`channels_of` where factors may be a half and more as well, and whether none is: the scales of weights of a few
    values are large. Arguments as there; None where a sum could overflow.

    Such a channel's words are `multiplier, output_offset, −left` for `edgeq_finish_either_s8` of edgeq_dsp.h, which
    shifts accumulators to the left first and rounds once, as `edgeq.fixedpoint.requantize` does.
    """
    found = channels_of(p, weights, bias, reach)
    if found is not None:
        return found, True
    multiplier, shift = (np.broadcast_to(each, (len(weights),)).astype(np.int64) for each in (p.multipliers, p.shifts))
    total = np.abs(weights.reshape(len(weights), -1).astype(np.int64)).sum(axis=1)
    left = (shift >= 0) & (total > 0)
    bound = np.where(left, total * reach + np.abs(bias), 0) << np.maximum(shift, 0)
    largest = (bound * multiplier >> 31) + 1 + abs(p.output_offset)
    rest = channels_of(replace(p, multipliers=np.where(left, 0, multiplier), shifts=shift), weights, bias, reach)
    if rest is None or max(2 * bound.max(initial=0), largest.max(initial=0)) > INT32_MAX:
        return None
    of_left = np.stack([multiplier, np.full(shift.shape, p.output_offset), -shift], axis=1)
    return Channels(rest.bias, np.where(left[:, np.newaxis], of_left, rest.quant)), False


def general_quant(p: Any, channels: int) -> np.ndarray:
    """Words `multiplier, 0, shift` for `edgeq_requantize`, int64 (channels, 3)."""
    multiplier, shift = (np.broadcast_to(each, (channels,)).astype(np.int64) for each in (p.multipliers, p.shifts))
    return np.stack([multiplier, np.zeros(channels, np.int64), shift], axis=1)


@dataclass(frozen=True, eq=False)
class VectorChannels:
    """Bias, multiplier and shift, int64 (channels,), of a layer's channels for kernels that requantize by vectors.

    `edgeq.fixedpoint.requantize` of the sum by multiplier and shift is the result. Without `has_left` shifts are 0 or
    less, as VRSHL takes them to the right, and 0 only where it does not matter how results below 0 are rounded.
    """

    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    has_left: bool = False

    def bound(self, weights: np.ndarray, reach: int) -> int:
        """The largest magnitude of a sum. weights: int8 (channels, …); reach: of what they are multiplied with."""
        total = np.abs(weights.reshape(len(weights), -1).astype(np.int64)).sum(axis=1)
        return int((total * reach + np.abs(self.bias)).max(initial=0))

    def words(self, channels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of rows of channels the biases, and the multipliers with the shifts behind them, shifts to the left before;
        int64 (rows, …)."""
        multiplier, shift = self.multiplier[channels], self.shift[channels]
        left = [np.maximum(shift, 0)] if self.has_left else []
        return self.bias[channels], np.concatenate([*left, multiplier, shift - sum(left)], axis=1)


def vector_channels_of(p: Any, weights: np.ndarray, bias: np.ndarray, reach: int) -> VectorChannels | None:
    """The same of `channels_of`, arguments as there: a channel without any weight gets a bias that its factor, a
    quarter, makes the constant."""
    found = channels_of(p, weights, bias, reach)
    return None if found is None else _as_vectors(found, p.output_offset)


def either_vector_channels_of(p: Any, weights: np.ndarray, bias: np.ndarray, reach: int) -> VectorChannels | None:
    """The same of `either_channels_of`; p with activation_min as well. A shift of 0, without a second rounding, goes
    with shifts to the right where the activation cuts off what is below 0."""
    found = either_channels_of(p, weights, bias, reach)
    if found is None:
        return None
    channels = _as_vectors(found[0], p.output_offset)
    least = 1 if p.activation_min >= p.output_offset else 0
    return replace(channels, has_left=bool(channels.shift.max(initial=-1) >= least))


def _as_vectors(found: Channels, output_offset: int) -> VectorChannels:
    multiplier, addend, shift = found.quant.T
    constant = np.where(shift > 0, (addend >> np.maximum(shift, 0)) - output_offset, 0)
    idle = (multiplier == 0) & (constant != 0)
    return VectorChannels(
        np.where(idle, 4 * constant, found.bias), np.where(idle, 1 << 30, multiplier), np.where(idle, -1, -shift)
    )


def joint_weights(steps: np.ndarray, bits: int) -> np.ndarray:
    """The weights of 8 / bits channels in one number, the first one's above: 16·w0 + w1 of 4 bits, 64·w0 + 16·w1 + 4·w2
    + w3 of 2; int32 (records, steps, bits / 2, 16) of int8 (records, steps, 4, 16).

    Its byte shifted to the right and rounded, ties up, is the same of the first channels alone. Each sum of products
    with such a byte, less 2^bits times the sum with the byte before, is the sum of a channel.
    """
    return joint_sums(np.moveaxis(steps.astype(np.int32), 2, -1), bits)[..., 8 // bits - 1 :: 8 // bits].swapaxes(2, 3)


def joint_sums(sums: np.ndarray, bits: int) -> np.ndarray:
    """Such sums, biases among them, of each channel and those before it: (…, 4) of as many."""
    joint = np.array(sums)
    for channel in range(4):
        if channel % (8 // bits):
            joint[..., channel] += joint[..., channel - 1] << bits
    return joint


def joint_weights_fit(steps: np.ndarray, bits: int, bound: int) -> bool:
    """Whether weights share bytes, as all do but the least of a type before one below 0, and sums of up to `bound` stay
    within 32 bits."""
    return 255 // ((1 << bits) - 1) * bound <= INT32_MAX and int(joint_weights(steps, bits).min(initial=0)) >= -128


def padded_steps(rows: np.ndarray) -> np.ndarray:
    """int8 (..., n) brought to a multiple of sixteen by zeros at the end."""
    return np.concatenate([rows, np.zeros((*rows.shape[:-1], -rows.shape[-1] % 16), np.int8)], axis=-1)
