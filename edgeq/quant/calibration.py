"""Calibration data: typical inputs of a float model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edgeq.arrays import match_names, read_arrays, same_count, with_vector_axis
from edgeq.errors import CalibrationError
from edgeq.ir import DType, Graph


def load_calibration(path: Path, graph: Graph) -> dict[str, np.ndarray]:
    """Arrays for the graph's inputs: name → (n, *input shape), n ≥ 1; float32, but for inputs of integers.

    A `.npy` holds the data of a single input. The arrays of a `.npz` are named like the inputs; where their number is
    right and none bears an input's name, they are taken in the file's order. Each may come with the input's batch axis
    or without, or as one single vector. Integers for an input of real numbers are cast, not
    scaled.

    Raises:
        CalibrationError: unreadable or empty, arrays missing or too many, a wrong shape or type, NaN or infinity.
    """
    return match_inputs(read_arrays(path, CalibrationError), graph, str(path))


def match_inputs(arrays: Mapping[str, np.ndarray], graph: Graph, where: str = "") -> dict[str, np.ndarray]:
    """`load_calibration` for arrays in memory."""
    matched = match_names(arrays, graph.inputs, where, CalibrationError)
    found = {}
    for name, array in zip(graph.inputs, matched, strict=True):
        if array.dtype.kind not in "fiub":
            raise CalibrationError(f"input {name!r}: {array.dtype} data, numbers are needed", where=where)
        tensor = graph.tensors[name]
        values = with_vector_axis(array, name, tensor.shape, where, CalibrationError)
        values = values.astype(np.float32 if tensor.dtype is DType.FLOAT32 else tensor.dtype.numpy)
        if not np.isfinite(values).all():
            raise CalibrationError(
                f"input {name!r}: the data holds NaN or infinite values", where=where, hint="remove these vectors"
            )
        found[name] = values
    same_count(list(found.values()), where, CalibrationError)
    return found
