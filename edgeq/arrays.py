"""Arrays from `.npy` and `.npz` files, matched to a model's inputs. Nothing in the files is ever executed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edgeq.errors import EdgeqError

MAX_BYTES = 4 << 30
HINT = "np.savez('inputs.npz', **{input_name: array}) with arrays of shape (n, ...)"

_NUMBERS = "fiub"
_DAMAGE = (ValueError, EOFError, KeyError, SyntaxError, MemoryError, zipfile.BadZipFile, zlib.error)


def read_arrays(path: Path, error: type[EdgeqError] = EdgeqError) -> dict[str, np.ndarray]:
    """The arrays of a `.npz` file by name, or of a `.npy` file under the file's own name.

    Raises:
        error: no such file, damaged, larger than MAX_BYTES, not NumPy's format, or not numbers.
    """
    try:
        with path.open("rb") as stream:
            if not zipfile.is_zipfile(stream):
                stream.seek(0)
                arrays = {path.stem: np.lib.format.read_array(stream, allow_pickle=False)}
            else:
                arrays = _read_archive(path, error)
    except OSError as problem:
        raise error(f"cannot read: {problem.strerror or problem}", where=str(path)) from None
    except _DAMAGE as problem:
        raise error(f"not a readable .npy or .npz file: {problem}", where=str(path), hint=HINT) from problem
    if not arrays:
        raise error("the file holds no arrays", where=str(path), hint=HINT)
    for name, array in arrays.items():
        if array.dtype.kind not in _NUMBERS:
            raise error(f"array {name!r} is of type {array.dtype}, numbers are needed", where=str(path), hint=HINT)
    return arrays


def _read_archive(path: Path, error: type[EdgeqError]) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        size = sum(info.file_size for info in archive.zip.infolist())
        if size > MAX_BYTES:
            raise error(f"the arrays take {size >> 20} MiB, the limit is {MAX_BYTES >> 20}", where=str(path))
        return {name: archive[name] for name in archive.files}


def match_names(
    arrays: Mapping[str, np.ndarray], names: Sequence[str], where: str, error: type[EdgeqError] = EdgeqError
) -> list[np.ndarray]:
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
