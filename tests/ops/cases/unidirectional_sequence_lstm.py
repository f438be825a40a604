"""LSTMs of both layouts, with and without a limit of the cell state, begun from nothing and from given states.

TFLite has them of int8, TFLite Micro of int16 too. The file has the states as variables: the witness sets and reads
them there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import tflite_runtime.interpreter as tflite
from tflite_micro import runtime as micro

from edgeq.exporters.tflite import export_tflite
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor
from edgeq.ops.unidirectional_sequence_lstm import (
    BIASES,
    CELL_STATE,
    GATES,
    HIDDEN_STATE,
    RECURRENT,
    WEIGHTS,
    LstmAttrs,
)

from ..graphs import VECTORS, Case, activation_input, constant, quant, random_values, weights

STATES = True
FORGET = GATES.index("forget")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for time_major in (False, True):
            for carries in (False, True):
                for clip in (0.0, float(rng.uniform(0.3, 2.0))):
                    yield _case(rng, LstmAttrs(time_major, clip, bool(rng.random() < 0.7)), carries)


def _case(rng: np.random.Generator, attrs: LstmAttrs, carries: bool) -> Case:
    batches, steps = int(rng.integers(1, 4)), int(rng.integers(1, 7))
    depth, units = int(rng.integers(1, 20)), int(rng.integers(1, 10))
    shape = (steps, batches, depth) if attrs.time_major else (batches, steps, depth)
    x = activation_input("x", shape, quant(rng, 0.02))
    hidden = QuantParams([float(np.float32(2.0 ** rng.uniform(-8.5, -6.5)))], [int(rng.integers(-60, 60))])
    cell = QuantParams([2.0 ** int(rng.integers(-15, -8))], [0])
    names = [""] * (CELL_STATE + 1)
    tensors = {"x": x}

    def add(place: int, tensor: Tensor) -> None:
        names[place] = tensor.name
        tensors[tensor.name] = tensor

    names[0] = "x"
    for gate in range(4):
        scale = 2.0 ** rng.uniform(-8, -6)
        for name, at, width in (("w", WEIGHTS, depth), ("r", RECURRENT, units)):
            w = weights(rng, (units, width), None)
            add(at + gate, replace(w, name=f"{name}{gate}", quant=QuantParams([scale / np.sqrt(width)], [0])))
        if carries and gate == FORGET:
            # half open whatever comes: half of an odd cell state is a tie
            for name in (f"w{gate}", f"r{gate}"):
                tensors[name] = replace(tensors[name], data=np.zeros_like(tensors[name].data))
        w = tensors[f"w{gate}"]
        b = rng.integers(-9000, 9000, units).astype(np.int32) * (not (carries and gate == FORGET))
        add(BIASES + gate, constant(f"b{gate}", b, QuantParams(x.quant.scale * w.quant.scale, [0])))
    states = (batches, units)
    if carries:
        add(HIDDEN_STATE, activation_input("h0", states, hidden))
        add(CELL_STATE, Tensor("c0", states, DType.INT16, cell))
    y = Tensor("y", ((*shape[:2], units) if attrs.sequences else states), DType.INT8, hidden)
    results = (y, Tensor("h", states, DType.INT8, hidden), Tensor("c", states, DType.INT16, cell))
    node = Node("UNIDIRECTIONAL_SEQUENCE_LSTM", tuple(names), ("y", "h", "c"), attrs, "lstm")
    inputs = ("x", "h0", "c0") if carries else ("x",)
    graph = Graph("lstm", {**tensors, **{t.name: t for t in results}}, (node,), inputs, ("y", "h", "c"))
    return Case(node.op, graph, _vectors(rng, graph))


def _vectors(rng: np.random.Generator, graph: Graph) -> tuple[np.ndarray, ...]:
    return tuple(
        random_values(rng, (VECTORS, *graph.tensors[name].shape), graph.tensors[name].dtype) for name in graph.inputs
    )


def in_int16(case: Case, rng: np.random.Generator) -> Case:
    """Activations 256 times finer and symmetric, biases of int64; the cell state stays. States are such as TFLite Micro
    can get into."""
    tensors = {}
    for t in case.graph.tensors.values():
        if t.name.startswith("b") or t.dtype is DType.INT8 and t.data is None:
            finer = QuantParams(t.quant.scale / np.float32(256), [0])
            dtype = DType.INT64 if t.name.startswith("b") else DType.INT16
            data = None if t.data is None else t.data.astype(np.int64) * 256
            t = Tensor(t.name, t.shape, dtype, finer, data)
        tensors[t.name] = t
    graph = replace(case.graph, tensors=tensors)
    wide = Case(case.op, graph, _vectors(rng, graph))
    if len(graph.inputs) == 1:
        return wide
    # the states that the same sequence leaves behind
    interpreter = _Micro(wide)
    _, hidden, cell = zip(*(interpreter.run(x, 1) for x in wide.inputs[0]), strict=True)
    return Case(case.op, graph, (wide.inputs[0], np.stack(hidden), np.stack(cell)))


def expected(case: Case) -> list[np.ndarray]:
    """By TFLite's interpreter, of int16 by TFLite Micro's."""
    run = run_micro if case.inputs[0].dtype == np.int16 else run_tflite
    return run(case)


def exported(case: Case) -> bytes:
    """A file without the last states as outputs and with the states before the first step as variables."""
    return export_tflite(replace(case.graph, inputs=("x",), outputs=("y",)))


def run_tflite(case: Case) -> list[np.ndarray]:
    interpreter = tflite.Interpreter(
        model_content=exported(case), experimental_op_resolver_type=tflite.OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    places = {d["name"]: d["index"] for d in interpreter.get_tensor_details()}
    before = [n for n in (case.graph.nodes[0].inputs[HIDDEN_STATE : CELL_STATE + 1]) if n]
    after = before or ["h/before", "c/before"]
    results: list[list[np.ndarray]] = [[], [], []]
    for values in zip(*case.inputs, strict=True):
        interpreter.reset_all_variables()
        for name, value in zip(case.graph.inputs, values, strict=True):
            interpreter.set_tensor(places[name], value)
        interpreter.invoke()
        for result, name in zip(results, ("y", *after), strict=True):
            result.append(interpreter.get_tensor(places[name]))
    return [np.stack(result) for result in results]


class _Micro:
    """TFLite Micro's interpreter, which lets its states be read but not set."""

    def __init__(self, case: Case):
        model = exported(case)
        details = tflite.Interpreter(model_content=model).get_tensor_details()
        places = {d["name"]: d["index"] for d in details}
        before = [n for n in (case.graph.nodes[0].inputs[HIDDEN_STATE : CELL_STATE + 1]) if n]
        self.states = [places[name] for name in before or ["h/before", "c/before"]]
        self.interpreter = micro.Interpreter.from_bytes(
            model, arena_size=1 << 18, intrepreter_config=micro.InterpreterConfig.kPreserveAllTensors
        )

    def run(self, x: np.ndarray, times: int) -> list[np.ndarray]:
        """Result and states behind the last of several runs over the same sequence, the first one from nothing."""
        self.interpreter.reset()
        self.interpreter.set_input(x, 0)
        for _ in range(times):
            self.interpreter.invoke()
        states = [self.interpreter.GetTensor(place, 0)["tensor_data"] for place in self.states]
        return [array.copy() for array in (self.interpreter.get_output(0), *states)]


def run_micro(case: Case) -> list[np.ndarray]:
    interpreter = _Micro(case)
    times = len(case.inputs) // 2 + 1
    return [np.stack(result) for result in zip(*(interpreter.run(x, times) for x in case.inputs[0]), strict=True)]
