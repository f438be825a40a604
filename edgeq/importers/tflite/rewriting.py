"""Operators of files that become others: POW by a constant exponent, ADD_N, SPLIT_V with empty pieces, and indices that
count from the end."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeq.importers.tflite.flatbuffer import File, Operator
from edgeq.ir import DType, Tensor, frozen_array

#: Operators that no graph holds where they can be rewritten.
REWRITTEN = ("ADD_N", "POW")


class NoActivation:
    """Options of an operator whose only option is a fused activation: none."""

    def FusedActivationFunction(self) -> int:
        return 0


@dataclass(frozen=True)
class Pieces:
    """Options of a SPLIT_V."""

    count: int

    def NumSplits(self) -> int:
        return self.count


def rewrite(file: File) -> File:
    """The file with POW by one real exponent written as FUNCTION, ADD_N of real numbers as ADD of ADD, SPLIT_V without
    empty pieces that nothing reads. Others stay: they are named as not supported."""
    file = _wrapped_indices(file)
    read = {*file.outputs, *(i for operator in file.operators for i in operator.inputs)}
    tensors, operators = list(file.tensors), []
    names = {tensor.name for tensor in tensors}
    for operator in file.operators:
        operands = [tensors[i] if i >= 0 else None for i in operator.inputs]
        if operator.name == "POW" and _is_exponent(operands):
            power = ("power", (float(np.ravel(operands[1].data)[0]),))
            operators.append(Operator("FUNCTION", operator.inputs[:1], operator.outputs, power))
        elif operator.name == "ADD_N" and len(operator.outputs) == 1 and _are_real(operands):
            total = operator.inputs[0]
            for index, operand in enumerate(operator.inputs[1:], 1):
                result = operator.outputs[0]
                if index < len(operator.inputs) - 1:
                    result = len(tensors)
                    tensors.append(_partial(tensors[operator.outputs[0]], index, names))
                operators.append(Operator("ADD", (total, operand), (result,), NoActivation()))
                total = result
        elif operator.name == "SPLIT_V" and (sizes := _sizes(operands, operator)) is not None:
            kept = [k for k, index in enumerate(operator.outputs) if sizes[k] != 0 or index in read]
            full = frozen_array(sizes[kept], sizes.dtype)
            tensors.append(
                replace(operands[1], name=_free(f"{operands[1].name}/full", names), shape=full.shape, data=full)
            )
            inputs = (operator.inputs[0], len(tensors) - 1, operator.inputs[2])
            operators.append(Operator("SPLIT_V", inputs, tuple(operator.outputs[k] for k in kept), Pieces(len(kept))))
        else:
            operators.append(operator)
    return replace(file, tensors=tuple(tensors), operators=tuple(operators))


def _wrapped_indices(file: File) -> File:
    """The file with i < 0 ? i + n : i of plain integers, by which Keras 3's embeddings count from the end, written as
    FLOOR_MOD: the same for every index that a table of n rows has."""
    producers = {index: operator for operator in file.operators for index in operator.outputs}
    operators = [_wrapped(file, producers, operator) or operator for operator in file.operators]
    if operators == list(file.operators):
        return file
    read = {*file.outputs, *(i for operator in operators for i in operator.inputs)}
    needed = [o for o in operators if o.name not in ("ADD", "LESS") or read.intersection(o.outputs)]
    return replace(file, operators=tuple(needed))


def _wrapped(file: File, producers: dict[int, Operator], operator: Operator) -> Operator | None:
    if operator.name not in ("SELECT", "SELECT_V2") or len(operator.inputs) != 3:
        return None
    which, beyond, index = operator.inputs
    less, add = producers.get(which), producers.get(beyond)
    if less is None or add is None or (less.name, add.name) != ("LESS", "ADD"):
        return None
    if len(less.inputs) != 2 or len(add.inputs) != 2 or {less.inputs[0], add.inputs[0]} != {index} or index < 0:
        return None
    zero, count = (file.tensors[o.inputs[1]] if o.inputs[1] >= 0 else None for o in (less, add))
    plain = (DType.INT32, DType.INT64)
    if any(t is None or t.data is None or t.size != 1 or t.dtype not in plain for t in (zero, count)):
        return None
    rows = int(np.ravel(count.data)[0])
    readers = [reader for reader in file.operators if operator.outputs[0] in reader.inputs]
    if np.any(zero.data) or not all(_picks(file, reader, operator.outputs[0], rows) for reader in readers):
        return None
    if add.options is None or add.options.FusedActivationFunction() or operator.outputs[0] in file.outputs:
        return None
    return Operator("FLOOR_MOD", (index, add.inputs[1]), operator.outputs, None)


def _picks(file: File, reader: Operator, index: int, rows: int) -> bool:
    """Whether the operator takes rows by these indices, of a table that has so many."""
    if reader.name != "GATHER" or reader.inputs[1:] != (index,) or reader.inputs[0] < 0:
        return False
    shape, axis = file.tensors[reader.inputs[0]].shape, reader.options.Axis() if reader.options is not None else 0
    return -len(shape) <= axis < len(shape) and shape[axis] == rows


def _sizes(operands: list[Tensor | None], operator: Operator) -> np.ndarray | None:
    """Of a SPLIT_V's pieces, where some are empty; the one of size -1 is what the others leave."""
    if len(operands) != 3 or any(t is None for t in operands) or any(t.data is None for t in operands[1:]):
        return None
    x, sizes, axis = operands[0], np.ravel(operands[1].data), np.ravel(operands[2].data)
    if len(sizes) != len(operator.outputs) or len(axis) != 1 or not -len(x.shape) <= axis[0] < len(x.shape):
        return None
    rest = x.shape[int(axis[0])] - sizes[sizes >= 0].sum()
    sizes = np.where(sizes == -1, rest, sizes).astype(np.int32)
    return sizes if np.any(sizes == 0) and np.any(sizes > 0) else None


def _is_exponent(operands: list[Tensor | None]) -> bool:
    if len(operands) != 2 or operands[0] is None or operands[1] is None:
        return False
    exponent = operands[1]
    real = exponent.is_constant and exponent.dtype is DType.FLOAT32 and exponent.size == 1
    return real and bool(np.isfinite(exponent.data).all()) and len(exponent.shape) <= len(operands[0].shape)


def _are_real(operands: list[Tensor | None]) -> bool:
    return len(operands) > 1 and all(t is not None and t.dtype is DType.FLOAT32 for t in operands)


def _partial(result: Tensor, index: int, names: set[str]) -> Tensor:
    return Tensor(_free(f"{result.name}/sum{index}", names), result.shape, result.dtype)


def _free(name: str, names: set[str]) -> str:
    """The name, changed if it is taken; from now on it is."""
    while name in names:
        name += "'"
    names.add(name)
    return name
