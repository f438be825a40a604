"""Input vectors from files and arrays: checked, shaped, and quantized where they are real numbers."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgeq.errors import EdgeqError
from edgeq.program import Program, ProgramTensor

# What arrays of numbers come as.
_KINDS = "fiub"


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a `.npz` file by name, or of a `.npy` file under the name "". Nothing in the file is executed.

    Raises:
        EdgeqError: no such file, damaged, not NumPy's format, or not numbers.
    """
    hint = "write it with numpy.save or numpy.savez"
    try:
        with open(path, "rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                arrays = {"": loaded}
            else:
                with loaded:
                    arrays = {name: loaded[name] for name in loaded.files}
    except OSError as error:
        raise EdgeqError(f"cannot read: {error.strerror or error}", where=str(path), hint=hint) from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, SyntaxError, MemoryError) as error:
        raise EdgeqError(f"not a .npy or .npz file of numbers: {error}", where=str(path), hint=hint) from None
    if not arrays:
        raise EdgeqError("holds no arrays", where=str(path), hint=hint)
    for name, array in arrays.items():
        if array.dtype.kind not in _KINDS:
            raise EdgeqError(f"array {name!r} holds {array.dtype}, not numbers", where=str(path), hint=hint)
    return arrays


def match_names(arrays: dict[str, np.ndarray], names: Sequence[str], where: str) -> list[np.ndarray]:
    """The arrays in the order of `names`: by name where all names are there, else in the order of the file.

    Raises:
        EdgeqError: another number of arrays than names.
    """
    if all(name in arrays for name in names):
        return [arrays[name] for name in names]
    if len(arrays) != len(names):
        raise EdgeqError(
            f"holds {len(arrays)} arrays ({', '.join(map(repr, arrays))}), the model has {len(names)} inputs",
            where=where,
            hint=f"name the arrays after the inputs: {', '.join(map(repr, names))}",
        )
    return list(arrays.values())


def with_vector_axis(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """`array` as (n, *shape): it may lack a batch dimension of 1, or be a single vector; None where it does not fit."""
    if array.shape[1:] == shape:
        return array
    if shape[:1] == (1,) and array.shape[1:] == shape[1:]:
        return array.reshape((array.shape[0], *shape))
    if array.shape == shape or (1, *array.shape) == shape:
        return array.reshape((1, *shape))
    return None


def to_integers(tensor: ProgramTensor, array: np.ndarray, where: str) -> np.ndarray:
    """`array` as integers (n, *tensor.shape) of the tensor's type; real numbers are quantized.

    Raises:
        EdgeqError: another shape, integers out of range, NaN or infinity.
    """
    shaped = with_vector_axis(array, tensor.shape)
    if shaped is None or shaped.shape[0] == 0:
        raise EdgeqError(
            f"input {tensor.name!r} takes arrays of shape (n, {', '.join(map(str, tensor.shape))}), got {array.shape}",
            where=where,
        )
    if shaped.dtype.kind == "f":
        if not np.all(np.isfinite(shaped)):
            raise EdgeqError(f"values for input {tensor.name!r} are not all finite", where=where)
        if tensor.quant is None:
            raise EdgeqError(f"input {tensor.name!r} has no scale: integers are needed", where=where)
        return tensor.quant.quantize(shaped, tensor.dtype)
    low, high = tensor.dtype.range
    if shaped.min() < low or shaped.max() > high:
        raise EdgeqError(
            f"values for input {tensor.name!r} leave {tensor.dtype.value}'s range [{low}, {high}]",
            where=where,
            hint="integers are taken as they are; give floats to have them quantized",
        )
    return shaped.astype(tensor.dtype.numpy)


def program_inputs(program: Program, source: Path | np.ndarray | Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """The program's inputs from a file, from one array, or from one array per input.

    Raises:
        EdgeqError: as `read_arrays` and `to_integers`; or the arrays hold different numbers of vectors.
    """
    if isinstance(source, (str, Path)):
        where = str(source)
        arrays = match_names(read_arrays(Path(source)), program.inputs, where)
    else:
        where = program.name
        arrays = [source] if isinstance(source, np.ndarray) else [np.asarray(a) for a in source]
        if len(arrays) != len(program.inputs):
            raise EdgeqError(f"the program has {len(program.inputs)} inputs, {len(arrays)} arrays were given", where=where)
    tensors = [program.tensors[name] for name in program.inputs]
    vectors = tuple(to_integers(t, a, where) for t, a in zip(tensors, arrays, strict=True))
    if len({v.shape[0] for v in vectors}) != 1:
        raise EdgeqError("the inputs hold different numbers of vectors", where=where)
    return vectors
