"""States as TFLite has them: variable tensors of the operators that update them, resource variables of all others.

A resource variable is read into the state's tensor before anything else and assigned its new value after it; a second
subgraph, which runs once, assigns what it holds at first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import ai_edge_litert.schema_py_generated as schema
import numpy as np

from edgeq.errors import ModelError
from edgeq.exporters.options import ints
from edgeq.ir import DType, Graph, Node, State, Tensor
from edgeq.ops import find_op

#: Operators that this module writes.
OF_STATES = ("ASSIGN_VARIABLE", "READ_VARIABLE")

# Gives the number of an operator code by name.
_Code = Callable[[str], int]


def of_operators(graph: Graph) -> tuple[State, ...]:
    """The states that are variable tensors: only one operator knows them, and they begin as a reset leaves them."""
    consumers, producers = graph.consumers(), graph.producers()
    found = []
    for state in graph.states:
        readers, writer = consumers.get(state.read, []), producers.get(state.written)
        if len(readers) != 1 or readers[0] is not writer or state.written in (*graph.outputs, *consumers):
            continue
        pair = (writer.inputs.index(state.read), writer.outputs.index(state.written))
        if pair in find_op(writer.op).variables and np.array_equal(state.initial, _after_reset(graph, state)):
            found.append(state)
    return tuple(found)


def _after_reset(graph: Graph, state: State) -> np.ndarray:
    tensor = graph.tensors[state.read]
    zero = tensor.quant.per_tensor[1] if tensor.dtype is DType.INT8 and tensor.quant is not None else 0
    return np.full(tensor.shape, zero, tensor.dtype.numpy)


def check_results(graph: Graph, node: Node, variables: Iterable[str]) -> None:
    """Raises ModelError where TFLite could not keep the node's states to itself."""
    for operand, _ in find_op(node.op).variables:
        if node.inputs[operand] not in variables:
            raise ModelError(
                f"a .tflite file cannot hold this {node.op}: something else reads or gives its state", where=node.loc
            )


@dataclass(frozen=True)
class Resources:
    """What resource variables add to a file: operators before and after all others, and the subgraph that runs once."""

    before: tuple[schema.OperatorT, ...] = ()
    after: tuple[schema.OperatorT, ...] = ()
    once: tuple[schema.SubGraphT, ...] = ()


def resources(
    states: Sequence[State],
    graph: Graph,
    indices: dict[str, int],
    tensors: list[schema.TensorT],
    code: _Code,
    write: Callable[[Tensor], schema.TensorT],
) -> Resources:
    """Resource variables of these states; `tensors` gets their handles. `write` makes a tensor of the file."""
    if not states:
        return Resources()
    once = schema.SubGraphT(tensors=[], inputs=ints([]), outputs=ints([]), operators=[], name="once")
    call = schema.OperatorT(opcodeIndex=code("CALL_ONCE"), inputs=ints([]), outputs=ints([]))
    call.builtinOptionsType = schema.BuiltinOptions.CallOnceOptions
    call.builtinOptions = schema.CallOnceOptionsT(initSubgraphIndex=1)
    before, after = [call], []
    for state in states:
        old = graph.tensors[state.read]
        handle = _handle(state, tensors, before, code)
        before.append(_operator(code("READ_VARIABLE"), [handle], [indices[state.read]]))
        after.append(_operator(code("ASSIGN_VARIABLE"), [handle, indices[state.written]], []))
        handle = _handle(state, once.tensors, once.operators, code)
        once.tensors.append(write(Tensor(f"{state.read}/initial", old.shape, old.dtype, old.quant, state.initial)))
        once.operators.append(_operator(code("ASSIGN_VARIABLE"), [handle, len(once.tensors) - 1], []))
    return Resources(tuple(before), tuple(after), (once,))


def _handle(state: State, tensors: list[schema.TensorT], operators: list[schema.OperatorT], code: _Code) -> int:
    """The number of a new tensor with the state's handle."""
    place = len(tensors)
    name = f"{state.read}/handle"
    tensors.append(schema.TensorT(shape=ints([]), type=schema.TensorType.RESOURCE, buffer=0, name=name))
    operator = _operator(code("VAR_HANDLE"), [], [place])
    operator.builtinOptionsType = schema.BuiltinOptions.VarHandleOptions
    operator.builtinOptions = schema.VarHandleOptionsT(container="", sharedName=state.read)
    operators.append(operator)
    return place


def _operator(code: int, inputs: list[int], outputs: list[int]) -> schema.OperatorT:
    return schema.OperatorT(opcodeIndex=code, inputs=ints(inputs), outputs=ints(outputs))
