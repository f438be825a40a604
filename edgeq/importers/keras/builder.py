"""Builds the Graph: walks a model's calls in order of their dependencies and lets the rules add nodes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.rules import Layer, find_rule
from edgeq.importers.keras.topology import Call, LayerSpec, ModelSpec, Ref
from edgeq.ir import DType, Node, Tensor, frozen_array
from edgeq.ops import find_op

# The arguments of layers and `keras.ops` that take tensors, in the order in which rules take them.
_TENSOR_ARGUMENTS = ("x", "x1", "x2", "xs", "inputs", "query", "value", "key", "initial_state")
# Arguments that do not change what a layer computes at inference; a mask of None is none.
_IDLE_ARGUMENTS = ("training", "mask")
# nested models that call each other twice per level grow exponentially from a small file
MAX_NODES = 20_000
MAX_ELEMENTS = 1 << 31


@dataclass(frozen=True)
class Scope:
    """Where a model stands: `prefix` begins its tensors' names, `path` its weights', which all calls share."""

    prefix: str = ""
    path: str = ""


class GraphBuilder:
    """Collects tensors and nodes; names become unique here."""

    def __init__(self, weights: Mapping[str, Mapping[str, np.ndarray]], major: int):
        self.weights = weights
        self.major = major
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []
        self.states: dict[str, str] = {}

    def add(self, tensor: Tensor) -> str:
        if tensor.size > MAX_ELEMENTS:
            raise ModelError(f"a tensor of shape {list(tensor.shape)} is too large", where=tensor.name)
        self.tensors[tensor.name] = tensor
        return tensor.name

    def unique(self, name: str) -> str:
        """`name`, with a number appended where it is taken."""
        candidate, count = name, 1
        while candidate in self.tensors:
            count += 1
            candidate = f"{name}:{count}"
        return candidate

    def constant(self, name: str, values: np.ndarray) -> str:
        """A constant of that name; an equal one of the same name is used again. int32 stays, else float32."""
        dtype = DType.INT32 if values.dtype == np.int32 else DType.FLOAT32
        values = frozen_array(values, dtype.numpy)
        known = self.tensors.get(name)
        if known is not None and known.data is not None and np.array_equal(known.data, values):
            return name
        return self.add(Tensor(self.unique(name), values.shape, dtype, data=values))

    def emit(self, op: str, inputs: tuple[str, ...], attrs: Mapping[str, Any], name: str, loc: str) -> str:
        """Adds a node with one float32 result, shaped by the operator; gives the result's name."""
        (result,) = self.emit_all(op, inputs, attrs, (name,), loc)
        return result

    def emit_all(
        self, op: str, inputs: tuple[str, ...], attrs: Mapping[str, Any], names: tuple[str, ...], loc: str
    ) -> tuple[str, ...]:
        """The same with as many results as names."""
        if len(self.nodes) >= MAX_NODES:
            raise ModelError(f"the model has more than {MAX_NODES} operations")
        operator = find_op(op)
        if operator is None:
            raise ModelError(f"operator {op} is not supported", where=loc)
        values = operator.Attrs(**attrs) if operator.Attrs is not None else None
        try:
            shapes = operator.infer(values, *(self.tensors[i] if i else None for i in inputs))
        except ModelError as error:
            raise ModelError(error.what, where=error.where or loc, hint=error.hint) from error
        results = tuple(
            self.add(Tensor(self.unique(name), shape, DType.FLOAT32)) for name, shape in zip(names, shapes, strict=True)
        )
        self.nodes.append(Node(op, inputs, results, values, loc))
        return results

    def state(self, name: str, shape: tuple[int, ...]) -> str:
        """The present value of a state of that name, which begins with zeros; `carry` gives it a new one."""
        if name not in self.states:
            if name in self.tensors:
                raise ModelError("the name of a state is taken by another tensor", where=name)
            self.states[self.add(Tensor(name, shape, DType.FLOAT32))] = name
        return self.states[name]

    def carry(self, name: str, value: str) -> None:
        """Makes a tensor the new value of a state."""
        self.states[name] = value

    # --- models ----------------------------------------------------------------------------------------------------

    def model(self, spec: ModelSpec, scope: Scope, inputs: list[str] | None) -> list[str]:
        """Adds one use of a model. `inputs` are its arguments, None for the outermost model, whose inputs are created.

        Returns the names of its outputs.
        """
        build = self._sequential if spec.sequential else self._functional
        return build(spec, scope, inputs)

    def input(self, name: str, shape: Any) -> str:
        """A graph input of the given shape, whose batch axis becomes 1."""
        dims = list(shape) if isinstance(shape, (list, tuple)) else []
        if not dims or not all(type(d) is int and d > 0 for d in dims[1:]):
            raise ModelError(
                f"the input has the shape {shape}",
                where=name,
                hint="all dimensions but the first must be fixed; rebuild the model with a full Input shape",
            )
        self.inputs.append(self.add(Tensor(self.unique(name), (1, *dims[1:]), DType.FLOAT32)))
        return self.inputs[-1]

    def _sequential(self, spec: ModelSpec, scope: Scope, inputs: list[str] | None) -> list[str]:
        layers = list(spec.layers)
        head = layers.pop(0) if layers and layers[0].kind == "InputLayer" else None
        if inputs is None:
            inputs = [self.input(scope.prefix + (head.name if head else "input"), input_shape(spec))]
        for layer in layers:
            inputs = self._call(layer, scope, 0, inputs)
        return inputs

    def _functional(self, spec: ModelSpec, scope: Scope, inputs: list[str] | None) -> list[str]:
        layers = {layer.name: layer for layer in spec.layers}
        values: dict[tuple[str, int], list[str]] = {}
        if inputs is not None and len(inputs) != len(spec.inputs):
            raise ModelError(
                f"called with {len(inputs)} tensors, it has {len(spec.inputs)} inputs", where=scope.prefix or spec.name
            )
        for position, ref in enumerate(spec.inputs):
            if ref.layer not in layers or layers[ref.layer].kind != "InputLayer":
                raise ModelError(f"input {ref.layer!r} is not an InputLayer", where=spec.name)
            if inputs is None:
                values[ref.layer, 0] = [self.input(scope.prefix + ref.layer, shape_of(layers[ref.layer]))]
            else:
                values[ref.layer, 0] = [inputs[position]]
        for layer, index in _call_order(spec):
            operands = self._arguments(layer, scope.prefix + layer.name, layer.calls[index], values)
            values[layer.name, index] = self._call(layer, scope, index, operands)
        return [self._value(ref, values) for ref in spec.outputs]

    def _value(self, ref: Ref, values: Mapping[tuple[str, int], list[str]]) -> str:
        results = values.get((ref.layer, ref.call), [])
        if not 0 <= ref.index < len(results):
            raise ModelError(f"output {ref.index} of call {ref.call} of layer {ref.layer!r} does not exist")
        return results[ref.index]

    def _call(self, spec: LayerSpec, scope: Scope, index: int, inputs: list[str]) -> list[str]:
        suffix = f"/call{index}" if index else ""
        if spec.nested is not None:
            inner = Scope(f"{scope.prefix}{spec.name}{suffix}/", f"{scope.path}{spec.name}/")
            return self.model(spec.nested, inner, inputs)
        owner = scope.path + spec.name
        name = self.unique(scope.prefix + spec.name + suffix)
        rule = find_rule(spec.kind)
        if rule is None:  # the others without a rule were refused at once
            raise ModelError(f"{spec.kind} stands where a value is computed", where=name)
        arguments = dict(spec.calls[index].kwargs) if index < len(spec.calls) else {}
        for key, value in arguments.items():
            known = key in (*_TENSOR_ARGUMENTS, *_IDLE_ARGUMENTS, *rule.arguments) or spec.kind.startswith("ops.")
            if not known and value is not None and value is not False:
                raise ModelError(f"the layer is called with {key}={value!r}, which is not supported", where=name)
        layer = Layer(name, spec.config, self.weights.get(owner, {}), self, self.major, owner, arguments)
        if rule.operands not in (None, len(inputs)):
            raise ModelError(f"called with {len(inputs)} tensors, {spec.kind} takes {rule.operands}", where=name)
        results = rule.build(layer, *inputs)
        return [results] if isinstance(results, str) else list(results)

    def _arguments(
        self, spec: LayerSpec, full: str, call: Call, values: Mapping[tuple[str, int], list[str]]
    ) -> list[str]:
        """The names of the tensors among the arguments, in order; numbers given to a `keras.ops` node as constants."""
        if call.kwargs.get("training") is True:
            raise ModelError("the layer is called with training=True", where=full, hint="leave the argument out")
        found: list[str] = []

        def visit(value: Any) -> None:
            if isinstance(value, Ref):
                found.append(self._value(value, values))
            elif isinstance(value, (list, tuple)):
                for item in value:
                    visit(item)
            elif (
                spec.kind.startswith("ops.")
                and isinstance(value, (int, float, np.ndarray))
                and not isinstance(value, bool)
            ):
                array = np.atleast_1d(np.asarray(value, np.float32))
                found.append(self.constant(f"{full}/constant{len(found)}", array))

        for value in call.args:
            visit(value)
        for key in _TENSOR_ARGUMENTS:
            visit(call.kwargs.get(key))
        for key, value in call.kwargs.items():
            if key not in _TENSOR_ARGUMENTS and isinstance(value, Ref):
                raise ModelError(f"the layer is called with a tensor as {key!r}, which is not supported", where=full)
        if not found:
            raise ModelError("the layer is called without a tensor", where=full)
        return found


def shape_of(layer: LayerSpec) -> Any:
    """The input shape that a layer's configuration gives, None if it gives none."""
    return layer.config.get("batch_shape", layer.config.get("batch_input_shape"))


def input_shape(spec: ModelSpec) -> Any:
    """The input shape of a Sequential model, found at its first layer or at that of the model it starts with."""
    first = spec.layers[0] if spec.layers else None
    shape = shape_of(first) if first is not None else None
    if shape is None:
        shape = spec.input_shape
    if shape is None and first is not None and first.nested is not None:
        shape = input_shape(first.nested)
    if shape is None:
        hint = "start the model with keras.Input(shape)"
        raise ModelError("the model's input shape is not known", where=spec.name, hint=hint)
    return shape


def _call_order(spec: ModelSpec) -> list[tuple[LayerSpec, int]]:
    """Every call after those it depends on; otherwise in the file's order (Kahn's algorithm).

    Raises ModelError for a cycle or a reference to a layer that does not exist.
    """
    inputs = {ref.layer for ref in spec.inputs}
    calls = {
        (layer.name, index): (layer, index)
        for layer in spec.layers
        if layer.name not in inputs
        for index in range(len(layer.calls))
    }
    waiting: dict[tuple[str, int], int] = {}
    readers: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for key, (layer, index) in calls.items():
        sources = {(ref.layer, ref.call) for ref in layer.calls[index].refs if ref.layer not in inputs}
        for source in sources:
            if source not in calls:
                raise ModelError(f"call {source[1]} of layer {source[0]!r} does not exist", where=layer.name)
            readers.setdefault(source, []).append(key)
        waiting[key] = len(sources)
    ready = deque(key for key, count in waiting.items() if count == 0)
    order = []
    while ready:
        key = ready.popleft()
        order.append(calls[key])
        for reader in readers.get(key, ()):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    if len(order) != len(calls):
        raise ModelError("the layers form a cycle", where=spec.name)
    return order
