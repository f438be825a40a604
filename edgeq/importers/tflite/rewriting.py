"""Operators of files that become others: POW by a constant exponent, ADD_N."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.importers.tflite.flatbuffer import File, Operator
from edgeq.ir import DType, Tensor

#: Operators that no graph holds where they can be rewritten.
REWRITTEN = ("ADD_N", "POW")


class NoActivation:
    """Options of an operator whose only option is a fused activation: none."""

    def FusedActivationFunction(self) -> int:
        return 0


def rewrite(file: File) -> File:
    """The file with POW by one real exponent written as FUNCTION, ADD_N of real numbers as ADD of ADD. Others stay:
    they are named as not supported."""
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
        else:
            operators.append(operator)
    return replace(file, tensors=tuple(tensors), operators=tuple(operators))


def _is_exponent(operands: list[Tensor | None]) -> bool:
    if len(operands) != 2 or operands[0] is None or operands[1] is None:
        return False
    exponent = operands[1]
    real = exponent.is_constant and exponent.dtype is DType.FLOAT32 and exponent.size == 1
    return real and bool(np.isfinite(exponent.data).all()) and len(exponent.shape) <= len(operands[0].shape)


def _are_real(operands: list[Tensor | None]) -> bool:
    return len(operands) > 1 and all(t is not None and t.dtype is DType.FLOAT32 for t in operands)


def _partial(result: Tensor, index: int, names: set[str]) -> Tensor:
    name = f"{result.name}/sum{index}"
    while name in names:
        name += "'"
    names.add(name)
    return Tensor(name, result.shape, result.dtype)
