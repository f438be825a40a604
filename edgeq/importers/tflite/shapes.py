"""Shape arithmetic that converters leave in files with an open batch: SHAPE, STRIDED_SLICE and PACK of known sizes.

All shapes are known here, so these operators are constants; no kernel ever sees them. What only changes a shape becomes
RESHAPE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.tflite.flatbuffer import DAMAGE, File, Operator
from edgeq.ir import DType, Tensor, frozen_array

# More elements than this are no shape.
_MAX_ELEMENTS = 1_024


def _shape(options: Any, x: Tensor) -> np.ndarray:
    return np.array(x.shape, np.int64)


def _strided_slice(options: Any, x: Tensor, begin: Tensor, end: Tensor, stride: Tensor) -> np.ndarray:
    if options.EllipsisMask() or options.NewAxisMask() or x.data.ndim != 1:
        raise ValueError("not a slice of a shape")
    start = None if options.BeginMask() & 1 else int(begin.data[0])
    stop = None if options.EndMask() & 1 else int(end.data[0])
    if options.ShrinkAxisMask() & 1:
        return np.asarray(x.data[start])
    return x.data[slice(start, stop, int(stride.data[0]))]


def _pack(options: Any, *parts: Tensor) -> np.ndarray:
    return np.stack([part.data for part in parts], axis=options.Axis())


_FOLDERS: dict[str, Callable[..., np.ndarray]] = {"SHAPE": _shape, "STRIDED_SLICE": _strided_slice, "PACK": _pack}
_RESHAPES = ("EXPAND_DIMS", "SQUEEZE")
#: Operators that no graph holds: reading a file turns them into constants and reshapes.
ABSORBED = ("SHAPE", *_RESHAPES)


def fold_shapes(file: File) -> File:
    """The file without shape arithmetic: its results are constants.

    Raises:
        ModelError: the options of such an operator are damaged.
    """
    tensors = list(file.tensors)
    kept = []
    for operator in file.operators:
        value = _value(operator, [tensors[i] for i in operator.inputs if i >= 0])
        if value is None:
            kept.append(operator)
            continue
        (result,) = operator.outputs
        tensors[result] = _constant(tensors[result], value)
    return replace(file, tensors=tuple(tensors), operators=tuple(kept))


def reshapes(file: File) -> File:
    """The file with EXPAND_DIMS and SQUEEZE, which frame every one-dimensional convolution, written as RESHAPE.

    Raises:
        ModelError: the result's shape differs from the operand's in more than dimensions of one.
    """
    tensors, operators = list(file.tensors), []
    names = {tensor.name for tensor in tensors}
    for operator in file.operators:
        if operator.name not in _RESHAPES or min(operator.inputs[:1], default=-1) < 0:
            operators.append(operator)
            continue
        (result,) = operator.outputs
        x, y = tensors[operator.inputs[0]], tensors[result]
        if [d for d in x.shape if d != 1] != [d for d in y.shape if d != 1]:
            raise ModelError(f"{operator.name} makes {list(y.shape)} of {list(x.shape)}", where=y.name)
        name = f"{y.name}/shape"
        while name in names:
            name += "'"
        names.add(name)
        operators.append(Operator("RESHAPE", (operator.inputs[0], len(tensors)), operator.outputs, None))
        tensors.append(Tensor(name, (len(y.shape),), DType.INT32, data=frozen_array(y.shape, np.int32)))
    return replace(file, tensors=tuple(tensors), operators=tuple(operators))


def _value(operator: Operator, operands: list[Tensor]) -> np.ndarray | None:
    """What the operator computes, where that is known."""
    folder = _FOLDERS.get(operator.name)
    if folder is None or len(operator.outputs) != 1 or operator.options is None:
        return None
    known = operator.name == "SHAPE" or all(
        t.is_constant and t.dtype in (DType.INT32, DType.INT64) and t.size <= _MAX_ELEMENTS for t in operands
    )
    if not known:
        return None
    try:
        return folder(operator.options, *operands)
    except DAMAGE:
        raise ModelError(f"the shape arithmetic of this {operator.name} is damaged") from None


def _constant(tensor: Tensor, value: np.ndarray) -> Tensor:
    if tensor.shape != value.shape or tensor.dtype not in (DType.INT32, DType.INT64):
        raise ModelError(
            f"declares {tensor.dtype.value}{list(tensor.shape)}, its operands give {list(value.shape)}",
            where=tensor.name,
        )
    return replace(tensor, data=frozen_array(value, tensor.dtype.numpy))
