"""Variables of a file → states: what is read of them at an inference's start, and what they hold at its end.

TFLite has two kinds. A *variable tensor* belongs to one operator (SVDF, LSTM), which changes it in place: here the
operator gets one more result for each. A *resource variable* has a handle (VAR_HANDLE) through which it is read and
assigned (READ_VARIABLE, ASSIGN_VARIABLE); a subgraph that runs once (CALL_ONCE) assigns what it holds at first.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.tflite.flatbuffer import DAMAGE, File, Operator
from edgeq.importers.tflite.folding import value
from edgeq.ir import DType, State, Tensor, frozen_array

#: Operators that no graph holds: reading a file turns them into states.
OF_VARIABLES = ("CALL_ONCE", "VAR_HANDLE")
#: Elements of a variable tensor: more has no microcontroller.
MAX_STATE = 1 << 24
# container and name of a resource variable
_Key = tuple[str, str]


@dataclass(frozen=True)
class Variable:
    """A state by indices into the file's tensors: see `edgeq.ir.State`."""

    read: int
    written: int
    initial: np.ndarray


def states(file: File, variables: tuple[Variable, ...]) -> tuple[State, ...]:
    """The variables as states of a graph."""
    return tuple(State(file.tensors[v.read].name, file.tensors[v.written].name, v.initial) for v in variables)


def resolve_variables(file: File) -> tuple[File, tuple[Variable, ...]]:
    """The file without handles and assignments, and its states.

    Raises:
        ModelError: a variable has no value at first, or changes its shape, type or scale; a handle goes anywhere else.
    """
    if not (file.variables or file.handles):
        return file, ()
    work = _Work(file, list(file.tensors), {t.name for t in file.tensors})
    for operator in file.operators:
        work.operator(operator)
    resolved = replace(file, tensors=tuple(work.tensors), operators=tuple(work.operators))
    for operator in resolved.operators:
        if file.handles.intersection(operator.inputs):
            raise ModelError("the handle of a variable is no operand of other operators", where=operator.name)
    if file.handles.intersection((*file.inputs, *file.outputs)):
        raise ModelError("variables that are handed in or out of the model are not supported")
    return resolved, work.variables()


@dataclass
class _Work:
    file: File
    tensors: list[Tensor]
    names: set[str]
    operators: list[Operator] = field(default_factory=list)
    keys: dict[int, _Key] = field(default_factory=dict)
    initial: dict[_Key, np.ndarray] = field(default_factory=dict)
    read: dict[_Key | int, int] = field(default_factory=dict)
    current: dict[_Key | int, int] = field(default_factory=dict)
    same: dict[int, int] = field(default_factory=dict)

    def operator(self, operator: Operator) -> None:
        if operator.name == "VAR_HANDLE":
            self.keys[operator.outputs[0]] = _key(operator)
        elif operator.name == "CALL_ONCE":
            self.initial.update(_assignments(self.file, operator))
        elif operator.name == "READ_VARIABLE":
            self._read(self._variable(operator, 1), operator.outputs[0])
        elif operator.name == "ASSIGN_VARIABLE":
            self.current[self._variable(operator, 2)] = self.same.get(operator.inputs[1], operator.inputs[1])
        else:
            self._keep(operator)

    def _variable(self, operator: Operator, operands: int) -> _Key:
        if len(operator.inputs) != operands or operator.inputs[0] not in self.keys:
            raise ModelError(f"{operator.name} without the handle of a variable")
        if min(operator.inputs) < 0 or len(operator.outputs) != 2 - operands:
            raise ModelError(f"{operator.name} has other operands or results than one value")
        return self.keys[operator.inputs[0]]

    def _read(self, key: _Key, result: int) -> None:
        if key in self.current:
            self._same(self.current[key], result)
            return
        if key not in self.initial:
            raise ModelError(
                f"the variable {key[1]!r} is read, and nothing gives it a value at first",
                hint="convert the model with its variables' initial values (a CALL_ONCE of an initialising subgraph)",
            )
        if result in self.file.open:
            self.tensors[result] = replace(self.tensors[result], shape=self.initial[key].shape)
        self.read[key] = self.current[key] = result

    def _keep(self, operator: Operator) -> None:
        """An operator whose variable tensors, if any, are read as they are now, and written anew."""
        inputs, outputs = [self.same.get(i, i) for i in operator.inputs], list(operator.outputs)
        for place, index in enumerate(operator.inputs):
            if index in self.file.variables:
                self.read.setdefault(index, index)
                inputs[place] = self.current.get(index, index)
                outputs.append(self._add(replace(self.tensors[index], name=f"{self.tensors[index].name}/next")))
                self.current[index] = outputs[-1]
        self.operators.append(replace(operator, inputs=tuple(inputs), outputs=tuple(outputs)))

    def _same(self, source: int, result: int) -> None:
        """A second name for a value: as good as the first, but where it names an output."""
        old, new = self.tensors[source], self.tensors[result]
        if result in self.file.open:
            new = self.tensors[result] = replace(new, shape=old.shape)
        if result not in self.file.outputs and (old.shape, old.dtype, old.quant) == (new.shape, new.dtype, new.quant):
            self.same[result] = source
            return
        dims = frozen_array(self.tensors[result].shape, np.int32)
        operand = self._add(Tensor(f"{self.tensors[result].name}/shape", dims.shape, DType.INT32, data=dims))
        self.operators.append(Operator("RESHAPE", (source, operand), (result,), None))

    def _add(self, tensor: Tensor) -> int:
        name = tensor.name
        while name in self.names:
            name += "'"
        self.names.add(name)
        self.tensors.append(replace(tensor, name=name))
        return len(self.tensors) - 1

    def variables(self) -> tuple[Variable, ...]:
        found = []
        for key, read in self.read.items():
            old, written = self.tensors[read], self.current[key]
            new = self.tensors[written]
            initial = self.initial[key] if isinstance(key, tuple) else _reset(old)
            if old.quant != new.quant or old.dtype is not new.dtype:
                raise ModelError(
                    f"takes the value of {new.name!r}, which has another type, scale or zero point",
                    where=old.name,
                    hint="convert the model with quantized variables, or give edgeq the float model",
                )
            if initial.shape != old.shape or initial.dtype != old.dtype.numpy:
                raise ModelError(
                    f"is {old.dtype.value}{list(old.shape)}, begins as {initial.dtype}{list(initial.shape)}",
                    where=old.name,
                )
            found.append(Variable(read, written, initial))
        return tuple(found)


def _reset(tensor: Tensor) -> np.ndarray:
    """What TFLite's reset leaves in a variable tensor: its zero point where it is int8, zeros elsewhere."""
    if tensor.size > MAX_STATE:
        raise ModelError(f"a variable of {tensor.size:,} elements, the limit is {MAX_STATE:,}", where=tensor.name)
    zero = tensor.quant.per_tensor[1] if tensor.dtype is DType.INT8 and tensor.quant is not None else 0
    return np.full(tensor.shape, zero, tensor.dtype.numpy)


def _key(operator: Operator) -> _Key:
    if operator.options is None or not operator.outputs:
        raise ModelError("VAR_HANDLE lacks its options")
    try:
        container, name = operator.options.Container(), operator.options.SharedName()
    except DAMAGE:
        raise ModelError("the options of this VAR_HANDLE are damaged") from None
    return (container or b"").decode("utf-8", "replace"), (name or b"").decode("utf-8", "replace")


def _assignments(file: File, call: Operator) -> dict[_Key, np.ndarray]:
    """What a subgraph that runs once leaves in variables."""
    once = file.once.get(call.options.InitSubgraphIndex() if call.options is not None else -1)
    if once is None:
        raise ModelError("CALL_ONCE names no subgraph")
    tensors = list(once.tensors)
    keys: dict[int, _Key] = {}
    found = {}
    for operator in once.operators:
        if operator.name == "VAR_HANDLE":
            keys[operator.outputs[0]] = _key(operator)
            continue
        operands = [tensors[i] for i in operator.inputs if i >= 0]
        if operator.name == "ASSIGN_VARIABLE" and len(operands) == 2 and operator.inputs[0] in keys:
            if operands[1].data is not None:
                found[keys[operator.inputs[0]]] = operands[1].data
                continue
        elif not once.handles.intersection(operator.inputs):
            known = value(operator, operands, [tensors[i] for i in operator.outputs])
            if known is not None:
                tensors[operator.outputs[0]] = replace(tensors[operator.outputs[0]], shape=known.shape, data=known)
                continue
        raise ModelError(
            "variables begin with something else than constants",
            where=f"{operator.name}, in a subgraph that runs once",
            hint="initialise the model's variables with constants",
        )
    return found
