"""Weights of two and of one bit for kernels that look up sums, on cores without the DSP extension.

The sums of all subsets of every four inputs are written first, for two images in one word each, modulo 2^32. A binary
channel's sum is 2 · Σ (x where w = 1) − Σ x, a ternary one's Σ (x where w = 1) − Σ (x where w = −1): four of a row of
weights of one bit are one look-up, of a channel's only row or of either of its two. The sum of a chunk of at most 160
inputs in [-128, 127] fits 16 bits, so that both images' can be had from the word in the end: with 2^15 added to each,
the low half carries nothing. These are part of the bias.

Rows come by twos: two binary channels, or both of a ternary channel; beside a single binary channel there is one of
zeros. The table holds for every chunk, for all rows: for every eight groups of four inputs a word of the first row and
a word of the second, the first group's bits in the lowest four; of the groups that remain in a chunk, if any, the bits
are in the words' highest, or, of four and less, in the highest of either half of one word, the first row's in the low
one. Then come, for every channel, a bias and the words of requantization.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeq.fixedpoint import INT32_MAX
from edgeq.ir import DType, frozen_array
from edgeq.kernels.narrow_quant import narrow_flag, quant_words
from edgeq.kernels.packing import channels_of, fold_offset, general_quant, wrap_int32
from edgeq.kernels.short_quant import short_quant_of_any
from edgeq.target import Cpu

#: Inputs that have a table, bytes of it, groups of a word and of a chunk.
GROUP = 4
_TABLE_BYTES, _PER_WORD, _PER_CHUNK = 64, 8, 40
# Kinds of requantization: see edgeq_subsets.h. How far sums are shifted to the left by the last.
_ANY, _FINISH, _SHORT, _LARGE = range(4)
_BITS = 8
#: Types of weights.
NARROW_TYPES = (DType.TERNARY.value, DType.BINARY.value)


def sums_fit(p: Any, weights: np.ndarray) -> bool:
    """Whether sums with the input's offset folded into the bias fit 32 bits. weights: int8 (channels, length)."""
    chunks = -(-groups_of(weights) // _PER_CHUNK)
    bias = np.abs(fold_offset(weights, p.bias, p.input_offset)) + (chunks << 16)
    return int((bias + 128 * np.abs(weights.astype(np.int64)).sum(axis=1)).max(initial=0)) <= INT32_MAX


def groups_of(weights: np.ndarray) -> int:
    """Of the inputs of one sum."""
    return -(-weights.shape[1] // GROUP)


def subset_bytes(channels: int, groups: int) -> int:
    """Working memory: tables of a chunk, a sum for every channel, and two more where there are several chunks."""
    several = groups > _PER_CHUNK
    return _TABLE_BYTES * min(groups, _PER_CHUNK) + 4 * (channels + channels % 2) + several * 8 * channels


def subset_cost(p: Any, weights: np.ndarray, windows: int, cpu: Cpu, inputs: int, around: int) -> int:
    """Instructions of `windows` windows, two at a time.

    Args:
        p, weights: as for `subset_table`. inputs, around: of a group of inputs, and of two windows beside.
    """
    is_small = cpu.arch == "armv6-m"
    groups = groups_of(weights)
    channels, chunks = len(weights), -(-groups // _PER_CHUNK)
    per_step, per_row, per_chunk = (9, 33, 130) if is_small else (7, 17, 90)
    # results of a ReLU have short words nearly always
    is_short = p.activation_min >= p.output_offset
    per_result = (24 if is_short else 120) if is_small else (8 if is_short else 45)
    alone = windows == 1
    rows = channels if p.weight_type == DType.TERNARY.value else -(-channels // 2)
    pair = groups * inputs + rows * (groups * per_step + chunks * per_row) + chunks * per_chunk + around
    pair += channels * (per_result * (1 if alone else 2) + (14 * chunks if chunks > 1 else 0))
    return 150 + -(-windows // 2) * pair


def subset_table(p: Any, weights: np.ndarray, cpu: Cpu) -> Mapping[str, np.ndarray]:
    """`packed`, int32, and `narrow` and `kind`, one number each: what the kernels take.

    Args:
        p: parameters with multipliers, shifts, bias, input_offset, output_offset, weight_type and an activation.
        weights: int8 (channels, length).
    """
    groups = groups_of(weights)
    chunks = -(-groups // _PER_CHUNK)
    kind, bias, quant = _requantization(p, weights, cpu)
    rows = _rows(weights, p.weight_type)
    words = [_chunk_words(rows[:, :, start : start + _PER_CHUNK]) for start in range(0, groups, _PER_CHUNK)]
    bias = bias - (chunks << 15)
    if kind == _LARGE and not narrow_flag(cpu)[0]:
        bias = bias << _BITS
    channels = np.concatenate([bias[:, np.newaxis], quant], axis=1)
    return {
        "packed": frozen_array(wrap_int32(np.concatenate([*words, channels.ravel()]))),
        "narrow": narrow_flag(cpu),
        "kind": frozen_array(np.array([kind], np.int8)),
    }


def _requantization(p: Any, weights: np.ndarray, cpu: Cpu) -> tuple[int, np.ndarray, np.ndarray]:
    """(kind, biases, words of each channel)."""
    limits = p.activation_min, p.activation_max
    bias = fold_offset(weights, p.bias, p.input_offset)
    for kind, large in ((_SHORT, 0), (_LARGE, _BITS)):
        short = short_quant_of_any(p, weights, bias, limits, cpu, large)
        if short is not None:
            return kind, short.bias, short.words
    channels = channels_of(p, weights, bias, 128)
    if channels is None:
        return _ANY, bias, general_quant(p, len(weights))[:, [0, 2]]
    return _FINISH, channels.bias, quant_words(channels, weights, limits, cpu)


def _rows(weights: np.ndarray, weight_type: str) -> np.ndarray:
    """Groups of bits, one number each: uint32 (pairs of rows, 2, groups)."""
    if weight_type == DType.TERNARY.value:
        bits = np.stack([weights > 0, weights < 0], axis=1)
    else:
        bits = np.pad(weights > 0, ((0, len(weights) % 2), (0, 0))).reshape(-1, 2, weights.shape[1])
    bits = np.pad(bits, ((0, 0), (0, 0), (0, -weights.shape[1] % GROUP)))
    return (bits.reshape(*bits.shape[:2], -1, GROUP) << np.arange(GROUP)).sum(axis=3).astype(np.uint32)


def _chunk_words(rows: np.ndarray) -> np.ndarray:
    """A chunk's words in the order of their use, int64, of rows as above."""
    pairs, _, groups = rows.shape
    rest = groups % _PER_WORD
    whole = _words(rows[:, :, : groups - rest].reshape(pairs, 2, -1, _PER_WORD)).swapaxes(1, 2).reshape(pairs, -1)
    if not rest:
        return whole.ravel()
    per_word = _PER_WORD if rest > _PER_WORD // 2 else _PER_WORD // 2
    last = np.pad(rows[:, :, groups - rest :], ((0, 0), (0, 0), (per_word - rest, 0)))
    return np.concatenate([whole, _words(last.reshape(pairs, -1, _PER_WORD))], axis=1).ravel()


def _words(groups: np.ndarray) -> np.ndarray:
    """int64 (…) of (…, 8)."""
    return (groups.astype(np.int64) << 4 * np.arange(_PER_WORD)).sum(axis=-1)
