"""Shapes of files with an open batch: sizes that converters compute at run time, and dimensions that they left open.

Batches have one element here, so all shapes are known. What computes them becomes constants, what only changes a shape
RESHAPE; no kernel ever sees either.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.tflite.flatbuffer import DAMAGE, MAX_ELEMENTS, File, Operator
from edgeq.importers.tflite.folding import INTEGERS, value
from edgeq.importers.tflite.rules import attributes
from edgeq.ir import DType, Tensor, frozen_array
from edgeq.ops import find_op, infer_results

_RESHAPES = ("EXPAND_DIMS", "SQUEEZE")
#: Operators that no graph holds: reading a file turns them into constants and reshapes.
ABSORBED = ("BROADCAST_ARGS", "FILL", "RANGE", "RANK", "SHAPE", "ZEROS_LIKE", *_RESHAPES)


def resolve_shapes(file: File) -> File:
    """The file without shape arithmetic: its results are constants, and open dimensions have their sizes.

    Raises:
        ModelError: the options of such an operator are damaged.
    """
    tensors = list(file.tensors)
    kept = []
    for operator in file.operators:
        operands = [tensors[i] for i in operator.inputs if i >= 0]
        known = value(operator, operands, [tensors[i] for i in operator.outputs])
        if known is not None:
            (result,) = operator.outputs
            tensors[result] = _constant(tensors[result], known, result in file.open)
            continue
        kept.append(operator)
        if file.open.intersection(operator.outputs):
            shapes = _inferred(operator, [tensors[i] if i >= 0 else None for i in operator.inputs])
            for result, shape in zip(operator.outputs, shapes, strict=False):
                if result in file.open:
                    if math.prod(shape) > MAX_ELEMENTS:
                        raise ModelError(f"has {math.prod(shape):,} elements", where=tensors[result].name)
                    tensors[result] = replace(tensors[result], shape=shape)
    return replace(file, tensors=tuple(tensors), operators=tuple(kept))


def _inferred(operator: Operator, operands: list[Tensor | None]) -> tuple[tuple[int, ...], ...]:
    """Shapes of the results, none where they cannot be told: the declared ones then hold."""
    op = find_op(operator.name)
    try:
        if operator.name == "EXPAND_DIMS":
            (axis,) = np.ravel(operands[1].data)
            return (np.expand_dims(np.empty(operands[0].shape, "V0"), int(axis)).shape,)
        if operator.name == "SQUEEZE":
            axes = tuple(int(a) for a in np.ravel(operator.options.SqueezeDimsAsNumpy())) or None
            return (np.squeeze(np.empty(operands[0].shape, "V0"), axes).shape,)
        if op is not None:
            return infer_results(op, attributes(operator.name, operator.options), tuple(operands))
    except (ModelError, *DAMAGE):
        pass
    return ()


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
        if len(operator.outputs) != 1:
            raise ModelError(f"{operator.name} declares {len(operator.outputs)} results")
        x, y = tensors[operator.inputs[0]], tensors[operator.outputs[0]]
        if [d for d in x.shape if d != 1] != [d for d in y.shape if d != 1]:
            raise ModelError(f"{operator.name} makes {list(y.shape)} of {list(x.shape)}", where=y.name)
        name = f"{y.name}/shape"
        while name in names:
            name += "'"
        names.add(name)
        operators.append(Operator("RESHAPE", (operator.inputs[0], len(tensors)), operator.outputs, None))
        tensors.append(Tensor(name, (len(y.shape),), DType.INT32, data=frozen_array(y.shape, np.int32)))
    return replace(file, tensors=tuple(tensors), operators=tuple(operators))


def _constant(tensor: Tensor, value: np.ndarray, is_open: bool) -> Tensor:
    if is_open and len(tensor.shape) == value.ndim:
        tensor = replace(tensor, shape=value.shape)
    if tensor.shape != value.shape or (tensor.dtype not in INTEGERS and tensor.dtype.numpy != value.dtype):
        raise ModelError(
            f"declares {tensor.dtype.value}{list(tensor.shape)}, its operands give {list(value.shape)}",
            where=tensor.name,
        )
    return replace(tensor, data=frozen_array(value, tensor.dtype.numpy))
