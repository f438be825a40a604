"""Input vectors of a program, from files and arrays: shaped, and quantized where they are real numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgeq.arrays import match_names, read_arrays, same_count, with_vector_axis
from edgeq.errors import EdgeqError
from edgeq.ir import DType
from edgeq.program import Program, ProgramTensor


def to_integers(tensor: ProgramTensor, array: np.ndarray, where: str) -> np.ndarray:
    """`array` as (n, *tensor.shape) of the tensor's type: integers, real numbers quantized; or all numbers as float32,
    infinite ones and NaN too.

    Raises:
        EdgeqError: another shape, integers out of range, NaN or infinity.
    """
    shaped = with_vector_axis(array, tensor.name, tensor.shape, where)
    if tensor.dtype is DType.FLOAT32:
        return shaped.astype(np.float32)
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


def program_inputs(program: Program, source: Path | str | np.ndarray | Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """The program's inputs from a file, from one array, or from one array per input.

    Raises:
        EdgeqError: the file cannot be read, or its arrays do not fit (`to_integers`).
    """
    if isinstance(source, (str, Path)):
        where = str(source)
        arrays = match_names(read_arrays(Path(source)), program.inputs, where)
    else:
        where = program.name
        arrays = [source] if isinstance(source, np.ndarray) else [np.asarray(a) for a in source]
        if len(arrays) != len(program.inputs):
            raise EdgeqError(
                f"the program has {len(program.inputs)} inputs, {len(arrays)} arrays were given", where=where
            )
    tensors = [program.tensors[name] for name in program.inputs]
    vectors = tuple(to_integers(t, a, where) for t, a in zip(tensors, arrays, strict=True))
    same_count(vectors, where)
    return vectors
