"""GGUF's block formats: codes and float16 scales equal to those of the `gguf` package's own quantizer, bit for bit.

All arithmetic is float32, in the package's order. Where that leaves codes to the C compiler (scales so small that
their reciprocal is infinite, ranges that overflow) they are 0, as on x86. A block is 32 values:

    Q8_0    scale d, 32 int8 codes q                        value d · q
    Q4_0    scale d, 32 codes of 4 bits, 0 to 15            value d · (q − 8)
    Q4_1    scale d, minimum m, 32 codes of 4 bits          value d · q + m

Of 4-bit codes, a byte holds the i-th in its low half and the (i + 16)-th in its high half.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

#: Values of a block.
BLOCK = 32


class GgmlType(enum.Enum):
    """The types of tensors that are read and written; the value is GGUF's number."""

    F32 = 0
    F16 = 1
    Q4_0 = 2
    Q4_1 = 3
    Q8_0 = 8
    BF16 = 30


@dataclass(frozen=True)
class Codec:
    """How values become bytes.

    Attributes:
        values: of one unit, 1 or BLOCK. nbytes: its bytes.
        encode: float32 (n, values) → uint8 (n, nbytes). decode: the way back, float32.
    """

    values: int
    nbytes: int
    encode: Callable[[np.ndarray], np.ndarray]
    decode: Callable[[np.ndarray], np.ndarray]


def _reciprocal(scale: np.ndarray) -> np.ndarray:
    """1 / scale, 0 for 0."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(scale == 0, np.float32(0), np.float32(1) / scale)


def _half(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return values.astype("<f2")


def _codes(real: np.ndarray, low: int, high: int, dtype: type) -> np.ndarray:
    return np.clip(np.where(np.isfinite(real), real, 0), low, high).astype(dtype)


def q8_0(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(scales float16 (n,), codes int8 (n, 32)) of float32 (n, 32): the scale is the largest magnitude / 127, codes are
    nearest, ties away from 0."""
    scale = np.abs(blocks).max(axis=1) / np.float32(127)
    with np.errstate(invalid="ignore", over="ignore"):
        magnitude = np.abs(blocks * _reciprocal(scale)[:, np.newaxis])
        whole = np.floor(magnitude)
        nearest = np.sign(blocks) * (whole + np.floor(2 * (magnitude - whole)))
    return _half(scale), _codes(nearest, -128, 127, np.int8)


def q4_0(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(scales float16 (n,), codes uint8 (n, 32)) of float32 (n, 32): the value of largest magnitude, of equals the
    first, gets code 0, and the scale its sign, turned round."""
    place = np.abs(blocks).argmax(axis=1)[:, np.newaxis]
    scale = np.take_along_axis(blocks, place, axis=1)[:, 0] / np.float32(-8)
    with np.errstate(invalid="ignore", over="ignore"):
        nearest = np.trunc(blocks * _reciprocal(scale)[:, np.newaxis] + np.float32(8.5))
    return _half(scale), _codes(nearest, 0, 15, np.uint8)


def q4_1(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(scales, minima float16 (n,), codes uint8 (n, 32)) of float32 (n, 32): codes 0 and 15 are the extremes."""
    low = blocks.min(axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        scale = (blocks.max(axis=1) - low) / np.float32(15)
        above = blocks - low[:, np.newaxis]
        nearest = np.trunc(above * _reciprocal(scale)[:, np.newaxis] + np.float32(0.5))
    return _half(scale), _half(low), _codes(nearest, 0, 15, np.uint8)


def _bytes(values: np.ndarray) -> np.ndarray:
    """float16 (n,) as uint8 (n, 2)."""
    return np.ascontiguousarray(values).view(np.uint8).reshape(-1, 2)


def _halves(codes: np.ndarray) -> np.ndarray:
    return codes[:, : BLOCK // 2] | codes[:, BLOCK // 2 :] << 4


def _unpacked(data: np.ndarray) -> np.ndarray:
    return np.concatenate([data & 15, data >> 4], axis=1).astype(np.float32)


def _real(data: np.ndarray) -> np.ndarray:
    """uint8 (n, 2) of float16 as float32 (n, 1)."""
    return np.ascontiguousarray(data).view("<f2").astype(np.float32)


def _encode_q8_0(blocks: np.ndarray) -> np.ndarray:
    scale, codes = q8_0(blocks)
    return np.concatenate([_bytes(scale), codes.view(np.uint8)], axis=1)


def _encode_q4_0(blocks: np.ndarray) -> np.ndarray:
    scale, codes = q4_0(blocks)
    return np.concatenate([_bytes(scale), _halves(codes)], axis=1)


def _encode_q4_1(blocks: np.ndarray) -> np.ndarray:
    scale, low, codes = q4_1(blocks)
    return np.concatenate([_bytes(scale), _bytes(low), _halves(codes)], axis=1)


def _encode_bf16(values: np.ndarray) -> np.ndarray:
    """Rounded to the nearest, ties to even."""
    bits = np.ascontiguousarray(values, "<f4").view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    return rounded.astype("<u2").view(np.uint8).reshape(-1, 2)


def _decode_bf16(data: np.ndarray) -> np.ndarray:
    return (np.ascontiguousarray(data).view("<u2").astype(np.uint32) << 16).view(np.float32)


CODECS: Mapping[GgmlType, Codec] = MappingProxyType(
    {
        GgmlType.F32: Codec(
            1,
            4,
            lambda x: np.ascontiguousarray(x, "<f4").view(np.uint8).reshape(-1, 4),
            lambda b: np.ascontiguousarray(b).view("<f4").astype(np.float32),
        ),
        GgmlType.F16: Codec(1, 2, lambda x: _bytes(_half(x)[:, 0]), _real),
        GgmlType.BF16: Codec(1, 2, _encode_bf16, _decode_bf16),
        GgmlType.Q8_0: Codec(
            BLOCK, 34, _encode_q8_0, lambda b: _real(b[:, :2]) * b[:, 2:].view(np.int8).astype(np.float32)
        ),
        GgmlType.Q4_0: Codec(
            BLOCK, 18, _encode_q4_0, lambda b: _real(b[:, :2]) * (_unpacked(b[:, 2:]) - np.float32(8))
        ),
        GgmlType.Q4_1: Codec(
            BLOCK, 20, _encode_q4_1, lambda b: _real(b[:, :2]) * _unpacked(b[:, 4:]) + _real(b[:, 2:4])
        ),
    }
)


def encode(values: np.ndarray, kind: GgmlType) -> bytes:
    """float32 values as a tensor of that type; of block formats the last axis is a multiple of BLOCK."""
    codec = CODECS[kind]
    return codec.encode(np.ascontiguousarray(values, np.float32).reshape(-1, codec.values)).tobytes()


def decode(data: bytes, kind: GgmlType) -> np.ndarray:
    """The float32 values, flat, of a whole number of units."""
    codec = CODECS[kind]
    with np.errstate(invalid="ignore", over="ignore"):
        return codec.decode(np.frombuffer(data, np.uint8).reshape(-1, codec.nbytes)).astype(np.float32).reshape(-1)
