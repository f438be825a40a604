"""Calibration data from `.npy` and `.npz` files."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edgeq.errors import CalibrationError
from edgeq.ir import Graph, Tensor

_HINT = "np.savez('calibration.npz', **{input_name: array}) with float32 or uint8 arrays of shape (n, ...)"
MAX_BYTES = 4 << 30


def load_calibration(path: Path, graph: Graph) -> dict[str, np.ndarray]:
    """Arrays for the graph's inputs: name → float32 (n, *input shape), n ≥ 1.

    A `.npy` holds the data of a single input. The arrays of a `.npz` are named like the inputs; where their number is
    right and none bears an input's name, they are taken in the file's order. Each may come with the input's batch axis
    or without, or as one single vector. Integers are cast to float, not scaled.

    Raises:
        CalibrationError: unreadable or empty, arrays missing or too many, a wrong shape or type, NaN or infinity.
    """
    arrays = _read(path)
    return match_inputs(arrays, graph, str(path))


def match_inputs(arrays: Mapping[str, np.ndarray], graph: Graph, where: str = "") -> dict[str, np.ndarray]:
    """`load_calibration` for arrays in memory."""
    if len(arrays) != len(graph.inputs):
        raise CalibrationError(
            f"{len(arrays)} arrays ({', '.join(arrays)}) for {len(graph.inputs)} inputs ({', '.join(graph.inputs)})",
            where=where,
            hint=_HINT,
        )
    named = [name for name in graph.inputs if name in arrays]
    if named and len(named) != len(graph.inputs) and len(arrays) > 1:
        missing = [name for name in graph.inputs if name not in arrays]
        raise CalibrationError(f"no array for the inputs {', '.join(missing)}", where=where, hint=_HINT)
    keys = graph.inputs if len(named) == len(graph.inputs) else tuple(arrays)
    found = {
        name: _vectors(np.asarray(arrays[key]), graph.tensors[name], where)
        for name, key in zip(graph.inputs, keys, strict=True)
    }
    if len({array.shape[0] for array in found.values()}) != 1:
        counts = {name: array.shape[0] for name, array in found.items()}
        raise CalibrationError(f"the inputs have different numbers of vectors: {counts}", where=where, hint=_HINT)
    return found


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as stream:
            if not zipfile.is_zipfile(stream):
                stream.seek(0)
                return {path.stem: np.lib.format.read_array(stream, allow_pickle=False)}
        with np.load(path, allow_pickle=False) as archive:
            size = sum(info.file_size for info in archive.zip.infolist())
            if size > MAX_BYTES:
                raise CalibrationError(
                    f"the arrays take {size >> 20} MiB, the limit is {MAX_BYTES >> 20}", where=str(path)
                )
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, MemoryError) as error:
        raise CalibrationError(f"not a readable .npy or .npz file: {error}", where=str(path), hint=_HINT) from error


def _vectors(array: np.ndarray, tensor: Tensor, where: str) -> np.ndarray:
    """float32 (n, *tensor.shape)."""

    def fail(what: str, hint: str = _HINT) -> None:
        raise CalibrationError(f"input {tensor.name!r}: {what}", where=where, hint=hint)

    if array.dtype.kind not in "fiub":
        fail(f"the data is of type {array.dtype}, numbers are needed")
    inner = tensor.shape[1:]
    if array.shape == inner and inner:
        count = 1
    elif array.shape[1:] in (tensor.shape, inner):
        count = array.shape[0]
    elif not inner and array.ndim == 1:
        count = array.size
    else:
        expected = ["n", *inner]
        fail(f"the data has shape {list(array.shape)}, expected [{', '.join(map(str, expected))}]")
    if count == 0 or math.prod(array.shape) == 0:
        fail("the data is empty")
    values = array.astype(np.float32).reshape((count,) + tensor.shape)
    if not np.isfinite(values).all():
        fail("the data holds NaN or infinite values", "remove these vectors")
    return values
