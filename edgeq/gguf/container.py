"""The GGUF container, version 2 and 3, little endian: a table of metadata, one of tensors, and their bytes.

A file is untrusted: every count and length is bounded and held against the file's end before anything is read, and a
tensor is read when it is asked for.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from edgeq.errors import ModelError
from edgeq.gguf.codecs import CODECS, GgmlType, decode, encode

MAGIC = b"GGUF"
VERSIONS = (2, 3)
#: Where a tensor's bytes begin is a multiple of this, unless a file says otherwise.
ALIGNMENT = 32
_ALIGNMENT_KEY = "general.alignment"
_MAX_ALIGNMENT = 1 << 16

_MAX_TENSORS = 1 << 16
_MAX_ENTRIES = 1 << 16
_MAX_NAME = 1 << 16
_MAX_TEXT = 1 << 24
# Vocabularies of language models are arrays of some hundred thousand strings.
_MAX_ITEMS = 1 << 20
# Of all metadata together; strings have to be walked over one by one.
_MAX_STEPS = 1 << 21
_MAX_AXES = 4

_STRING, _ARRAY, _UINT32 = 8, 9, 4
# GGUF's numbers of types of metadata → bytes of a value.
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


@dataclass(frozen=True)
class Stored:
    """A tensor's entry. shape: outermost axis first, as NumPy has it. start: its first byte in the file."""

    name: str
    shape: tuple[int, ...]
    kind: GgmlType
    start: int
    nbytes: int


class _Cursor:
    """A place in a file that no read leads out of."""

    def __init__(self, stream: IO[bytes], size: int, where: str):
        self.stream, self.size, self.where = stream, size, where
        self.at = 0
        self.steps = 0

    def fail(self, what: str) -> ModelError:
        return ModelError(what, where=self.where)

    def skip(self, count: int) -> None:
        if count > self.size - self.at:
            raise self.fail(f"the file ends within its tables, {self.size} bytes are too few")
        self.at += count

    def take(self, count: int) -> bytes:
        start = self.at
        self.skip(count)
        self.stream.seek(start)
        data = self.stream.read(count)
        if len(data) != count:
            raise self.fail("the file became shorter while it was read")
        return data

    def number(self, kind: str) -> int:
        """One little-endian integer of a type of `struct`."""
        return struct.unpack(f"<{kind}", self.take(struct.calcsize(kind)))[0]

    def count(self, most: int, of: str) -> int:
        found = self.number("Q")
        if found > most:
            raise self.fail(f"{found} {of}, at most {most} are read")
        return found

    def text(self, most: int) -> str:
        length = self.count(most, "bytes of text")
        return self.take(length).decode("utf-8", "replace")

    def value(self, kind: int) -> int | None:
        """Reads a value of metadata; gives it where it is a 32-bit count."""
        if kind == _UINT32:
            return self.number("I")
        if kind == _STRING:
            self.skip(self.count(_MAX_TEXT, "bytes of text"))
        elif kind == _ARRAY:
            self._array()
        elif kind in _SIZES:
            self.skip(_SIZES[kind])
        else:
            raise self.fail(f"metadata of an unknown type {kind}")
        return None

    def _array(self) -> None:
        kind, count = self.number("I"), self.count(_MAX_ITEMS, "items of an array")
        if kind in _SIZES:
            self.skip(count * _SIZES[kind])
            return
        if kind != _STRING:
            raise self.fail(f"an array of metadata of type {kind}")
        self.steps += count
        if self.steps > _MAX_STEPS:
            raise self.fail(f"more than {_MAX_STEPS} strings of metadata")
        for _ in range(count):
            self.skip(self.count(_MAX_TEXT, "bytes of text"))


class GgufFile:
    """The tensors of a file by name.

    Raises:
        ModelError: unreadable, damaged, or of types that are not read; names the file.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            with path.open("rb") as stream:
                cursor = _Cursor(stream, path.stat().st_size, str(path))
                self.tensors: Mapping[str, Stored] = _read_tables(cursor)
        except OSError as problem:
            raise ModelError(f"cannot read: {problem.strerror or problem}", where=str(path)) from None

    def values(self, name: str) -> np.ndarray:
        """A tensor's values, float32 in its shape; raises ModelError where one is not finite."""
        stored = self.tensors[name]
        try:
            with self.path.open("rb") as stream:
                stream.seek(stored.start)
                data = stream.read(stored.nbytes)
        except OSError as problem:
            raise ModelError(f"cannot read: {problem.strerror or problem}", where=str(self.path)) from None
        if len(data) != stored.nbytes:
            raise ModelError("the file became shorter while it was read", where=str(self.path))
        values = decode(data, stored.kind).reshape(stored.shape)
        if not np.isfinite(values).all():
            raise ModelError(f"tensor {name!r} holds NaN or infinite values", where=str(self.path))
        return values


def _read_tables(cursor: _Cursor) -> dict[str, Stored]:
    if cursor.size < 24 or cursor.take(4) != MAGIC:
        raise cursor.fail("not a GGUF file")
    version = cursor.number("I")
    if version not in VERSIONS:
        raise cursor.fail(f"GGUF version {version}, edgeq reads {' and '.join(map(str, VERSIONS))}, little endian")
    tensors = cursor.count(_MAX_TENSORS, "tensors")
    entries = cursor.count(_MAX_ENTRIES, "entries of metadata")
    alignment = ALIGNMENT
    for _ in range(entries):
        key, kind = cursor.text(_MAX_NAME), cursor.number("I")
        value = cursor.value(kind)
        if key == _ALIGNMENT_KEY:
            if value is None or not 0 < value <= _MAX_ALIGNMENT or value & (value - 1):
                raise cursor.fail(f"{_ALIGNMENT_KEY} is no power of 2 up to {_MAX_ALIGNMENT}")
            alignment = value
    found = [_read_entry(cursor) for _ in range(tensors)]
    begin = -(-cursor.at // alignment) * alignment
    stored: dict[str, Stored] = {}
    for name, shape, kind, offset in found:
        codec = CODECS[kind]
        if shape and shape[-1] % codec.values:
            raise cursor.fail(f"tensor {name!r}: rows of {shape[-1]} are no whole blocks of {codec.values}")
        nbytes = math.prod(shape) // codec.values * codec.nbytes
        if offset % alignment or begin + offset + nbytes > cursor.size:
            raise cursor.fail(f"tensor {name!r} does not lie within the file")
        if name in stored:
            raise cursor.fail(f"two tensors are named {name!r}")
        stored[name] = Stored(name, shape, kind, begin + offset, nbytes)
    return stored


def _read_entry(cursor: _Cursor) -> tuple[str, tuple[int, ...], GgmlType, int]:
    name, axes = cursor.text(_MAX_NAME), cursor.number("I")
    if axes > _MAX_AXES:
        raise cursor.fail(f"tensor {name!r} has {axes} axes, at most {_MAX_AXES} are read")
    shape = tuple(cursor.number("Q") for _ in range(axes))[::-1]
    kind = cursor.number("I")
    known = {each.value: each for each in GgmlType}
    if kind not in known:
        raise ModelError(
            f"tensor {name!r} is of GGUF's type {kind}, edgeq reads {', '.join(each.name for each in GgmlType)}",
            where=cursor.where,
            hint="convert the file to one of these types",
        )
    return name, shape, known[kind], cursor.number("Q")


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def gguf_bytes(metadata: Mapping[str, str | int], tensors: Sequence[tuple[str, np.ndarray, GgmlType]]) -> bytes:
    """A file of version 3. metadata: strings, and integers of 32 bits. tensors: name, float32 values, type."""
    tables = [struct.pack("<4sIQQ", MAGIC, VERSIONS[-1], len(tensors), len(metadata))]
    for key, value in metadata.items():
        stored = (_STRING, _text(value)) if isinstance(value, str) else (_UINT32, struct.pack("<I", value))
        tables.append(_text(key) + struct.pack("<I", stored[0]) + stored[1])
    parts, offset = [], 0
    for name, values, kind in tensors:
        data = encode(values, kind)
        axes = values.shape[::-1]
        tables.append(_text(name) + struct.pack(f"<I{len(axes)}QIQ", len(axes), *axes, kind.value, offset))
        parts.append(data + bytes(-len(data) % ALIGNMENT))
        offset += len(parts[-1])
    head = b"".join(tables)
    return head + bytes(-len(head) % ALIGNMENT) + b"".join(parts)
