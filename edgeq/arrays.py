"""Arrays from `.npy` and `.npz` files, matched to a model's inputs. Nothing in the files is ever executed."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from edgeq.errors import EdgeqError

MAX_BYTES = 4 << 30
HINT = "np.savez('inputs.npz', **{input_name: array}) with arrays of shape (n, ...)"

T = TypeVar("T")

_NUMBERS = "fiub"
_DAMAGE = (ValueError, EOFError, KeyError, SyntaxError, MemoryError, zipfile.BadZipFile, zlib.error)


def read_arrays(path: Path, error: type[EdgeqError] = EdgeqError) -> dict[str, np.ndarray]:
    """The arrays of a `.npz` file by name, or of a `.npy` file under the file's own name.

    Raises:
        error: no such file, damaged, larger than MAX_BYTES, not NumPy's format, or not numbers.
    """
    with reading(path, error), path.open("rb") as stream:
        if not zipfile.is_zipfile(stream):
            stream.seek(0)
            arrays = {path.stem: np.lib.format.read_array(stream, allow_pickle=False)}
        else:
            arrays = _read_archive(path, error)
    _check_numbers(arrays, path, error)
    return arrays


def _read_archive(path: Path, error: type[EdgeqError]) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        size = sum(info.file_size for info in archive.zip.infolist())
        if size > MAX_BYTES:
            raise error(f"the arrays take {size >> 20} MiB, the limit is {MAX_BYTES >> 20}", where=str(path))
        return {name: archive[name] for name in archive.files}


@dataclass(frozen=True)
class StoredArray:
    """An array in a file, read a few rows at a time.

    Attributes:
        member: its name within a `.npz` archive; "" in a `.npy` file.
    """

    path: Path
    member: str
    shape: tuple[int, ...]
    dtype: np.dtype
    fortran_order: bool

    def rows(self, count: int) -> Iterator[np.ndarray]:
        """Slices along the first axis, `count` rows each or what is left; one that is not laid out by rows comes whole.

        Raises OSError or one of the exceptions of damage where the file is not what its header says.
        """
        if self.fortran_order or not self.shape:
            yield read_arrays(self.path)[self.member.removesuffix(".npy") or self.path.stem]
            return
        row = int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize
        with _opened(self.path, self.member) as stream:
            _header(stream)
            for start in range(0, self.shape[0], count):
                rows = min(count, self.shape[0] - start)
                data = stream.read(rows * row)
                if len(data) != rows * row:
                    raise EOFError(f"the data end after {start + len(data) // max(1, row)} of {self.shape[0]} rows")
                yield np.frombuffer(data, self.dtype).reshape(rows, *self.shape[1:])


def open_arrays(path: Path, error: type[EdgeqError] = EdgeqError) -> dict[str, StoredArray]:
    """As `read_arrays`, but only what the arrays are is read, not what they hold."""
    with reading(path, error):
        with path.open("rb") as stream:
            archive = zipfile.is_zipfile(stream)
        members = [""]
        if archive:
            with zipfile.ZipFile(path) as opened:
                members = opened.namelist()
        arrays = {}
        for member in members:
            with _opened(path, member) as stream:
                arrays[member.removesuffix(".npy") or path.stem] = StoredArray(path, member, *_header(stream))
    _check_numbers(arrays, path, error)
    return arrays


def _opened(path: Path, member: str) -> IO[bytes]:
    return zipfile.ZipFile(path).open(member) if member else path.open("rb")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype, bool]:
    """(shape, dtype, whether columns are stored first) of an array in NumPy's format, versions 1 and 2."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("it holds objects, which would be loaded with allow_pickle only")
    return shape, dtype, fortran_order and len(shape) > 1


@contextlib.contextmanager
def reading(path: Path, error: type[EdgeqError]) -> Iterator[None]:
    """Turns whatever a damaged file raises into `error`."""
    try:
        yield
    except OSError as problem:
        raise error(f"cannot read: {problem.strerror or problem}", where=str(path)) from None
    except _DAMAGE as problem:
        raise error(f"not a readable .npy or .npz file: {problem}", where=str(path), hint=HINT) from problem


def _check_numbers(arrays: Mapping[str, Any], path: Path, error: type[EdgeqError]) -> None:
    if not arrays:
        raise error("the file holds no arrays", where=str(path), hint=HINT)
    for name, array in arrays.items():
        if array.dtype.kind not in _NUMBERS:
            raise error(f"array {name!r} is of type {array.dtype}, numbers are needed", where=str(path), hint=HINT)


def match_names(
    arrays: Mapping[str, T], names: Sequence[str], where: str, error: type[EdgeqError] = EdgeqError
) -> list[T]:
    """The arrays in the order of `names`: by name where they bear them, in the order of the file where none does.

    Raises:
        error: another number of arrays than names, or some but not all names.
    """
    listed = ", ".join(map(repr, names))
    if len(arrays) != len(names):
        raise error(
            f"{len(arrays)} arrays ({', '.join(map(repr, arrays))}) for {len(names)} inputs ({listed})",
            where=where,
            hint=HINT,
        )
    missing = [name for name in names if name not in arrays]
    if missing and len(missing) < len(names):
        raise error(f"no array for the inputs {', '.join(map(repr, missing))}", where=where, hint=HINT)
    return list(arrays.values()) if missing else [arrays[name] for name in names]


def with_vector_axis(
    array: np.ndarray, name: str, shape: tuple[int, ...], where: str, error: type[EdgeqError] = EdgeqError
) -> np.ndarray:
    """`array` as (n, *shape), n ≥ 1: it may lack the batch dimension of 1 that `shape` begins with, or be one vector.

    Raises:
        error: another shape, or no vectors.
    """
    inner = shape[1:] if shape[:1] == (1,) else shape
    if array.shape[1:] in (shape, inner) and array.ndim:
        shaped = array.reshape((array.shape[0], *shape))
    elif array.shape in (shape, inner):
        shaped = array.reshape((1, *shape))
    else:
        expected = ", ".join(map(str, ("n", *inner)))
        raise error(f"input {name!r} takes arrays of shape ({expected}), got {array.shape}", where=where, hint=HINT)
    if shaped.size == 0:
        raise error(f"input {name!r}: the array is empty, there are no vectors in it", where=where, hint=HINT)
    return shaped


def same_count(arrays: Sequence[np.ndarray], where: str, error: type[EdgeqError] = EdgeqError) -> int:
    """The number of vectors that all arrays hold; raises `error` where they differ."""
    counts = sorted({array.shape[0] for array in arrays})
    if len(counts) != 1:
        raise error(f"the inputs hold different numbers of vectors: {counts}", where=where)
    return counts[0]
