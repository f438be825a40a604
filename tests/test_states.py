"""What a model remembers from one inference to the next: simulator, arena, C, and the passes that must respect it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from edgeq import api
from edgeq.device.session import open_host, open_qemu
from edgeq.emit import emit, write_files
from edgeq.errors import EdgeqError
from edgeq.ir import DType, Graph, Node, QuantParams, State, Tensor, verify_graph
from edgeq.memory import lifetimes
from edgeq.ops import find_op, params_type
from edgeq.ops.reshape import ReshapeAttrs
from edgeq.passes import prepare_quantized
from edgeq.passes.shrink_channels import shrink_channels
from edgeq.program import load_program, program_bytes
from edgeq.simulate import reset, simulate, trace, trace_in_arena
from edgeq.target import load_board
from edgeq.toolchain.build import build
from edgeq.verify import run_on, verify_on
from tests.merging import side_by_side
from tests.tools import needs_host, needs_qemu

UNIT = QuantParams([1.0], [0])
M4 = load_board("mps2-an386")
Step = Callable[[np.ndarray, dict[str, np.ndarray]], tuple[list[np.ndarray], dict[str, np.ndarray]]]


@dataclass(frozen=True)
class Machine:
    """A graph of one input `x`, and what it should do: `step(x, states)` gives outputs and new states, in int64."""

    graph: Graph
    step: Step


def add(a: str, b: str, y: str) -> Node:
    return Node("ADD", (a, b), (y,), find_op("ADD").Attrs(), y)


def concatenation(names: tuple[str, ...], y: str) -> Node:
    return Node("CONCATENATION", names, (y,), find_op("CONCATENATION").Attrs(axis=-1), y)


def reshape(x: str, y: str, shape: tuple[int, ...]) -> Node:
    return Node("RESHAPE", (x,), (y,), ReshapeAttrs(shape), y)


def machine(
    nodes: list[Node], states: list[tuple[str, str, list[int]]], outputs: tuple[str, ...], step: Step,
    shapes: dict[str, tuple[int, ...]] | None = None,
) -> Machine:  # fmt: skip
    """Tensors are int8 (1, 4) with scale 1, unless `shapes` says otherwise."""
    names = ["x", *(read for read, _, _ in states), *(y for node in nodes for y in node.outputs)]
    tensors = {name: Tensor(name, (shapes or {}).get(name, (1, 4)), DType.INT8, UNIT) for name in names}
    remembered = tuple(
        State(read, written, np.resize(np.array(first, np.int8), tensors[read].shape))
        for read, written, first in states
    )
    return Machine(Graph("machine", tensors, tuple(nodes), ("x",), outputs, states=remembered), step)


def clip(x: np.ndarray) -> np.ndarray:
    return np.clip(x, -128, 127)


def accumulator() -> Machine:
    def step(x, s):
        total = clip(s["total"] + x)
        return [total], {"total": total}

    return machine([add("total", "x", "sum")], [("total", "sum", [1, 2, 3, 4])], ("sum",), step)


def shows_old_value() -> Machine:
    def step(x, s):
        return [s["total"], clip(s["total"] + x)], {"total": clip(s["total"] + x)}

    return machine([add("total", "x", "sum")], [("total", "sum", [-3])], ("total", "sum"), step)


def shows_old_value_reshaped() -> Machine:
    def step(x, s):
        return [s["total"].reshape(4, 1)], {"total": clip(s["total"] + x)}

    nodes = [reshape("total", "column", (4, 1)), add("total", "x", "sum")]
    return machine(nodes, [("total", "sum", [7, 8])], ("column",), step, {"column": (4, 1)})


def reads_old_value_later() -> Machine:
    def step(x, s):
        total = clip(s["total"] + x)
        return [clip(total + s["total"])], {"total": total}

    nodes = [add("total", "x", "sum"), add("sum", "total", "y")]
    return machine(nodes, [("total", "sum", [0])], ("y",), step)


def delay_line() -> Machine:
    """Three states, each taking the one before it: in the order of the graph, all at once."""

    def step(x, s):
        return [np.concatenate([s["c"], s["b"], s["a"], x], -1)], {"a": x, "b": s["a"], "c": s["b"]}

    states = [("a", "x", [1]), ("b", "a", [2]), ("c", "b", [3])]
    return machine([concatenation(("c", "b", "a", "x"), "y")], states, ("y",), step, {"y": (1, 16)})


def change_of_places() -> Machine:
    def step(x, s):
        return [clip(x + s["a"])], {"a": s["b"], "b": s["c"], "c": s["a"], "d": s["a"]}

    states = [("a", "b", [10]), ("b", "c", [20]), ("c", "a", [30]), ("d", "a", [40])]
    return machine([add("x", "a", "y")], states, ("y",), step)


def constant_state() -> Machine:
    def step(x, s):
        return [clip(x + s["offset"])], {"offset": s["offset"]}

    return machine([add("x", "offset", "y")], [("offset", "offset", [5, -5])], ("y",), step)


def shift_register() -> Machine:
    """The usual form of a streaming convolution's memory: the window without its oldest column, and the new one."""

    def step(x, s):
        window = np.concatenate([s["window"][:, 4:], x], -1)
        return [window], {"window": window}

    begin, size = (
        Tensor(n, (2,), DType.INT32, data=np.array(v, np.int32)) for n, v in (("begin", [0, 4]), ("size", [1, 8]))
    )
    nodes = [
        Node("SLICE", ("window", "begin", "size"), ("rest",), find_op("SLICE").Attrs(), "rest"),
        concatenation(("rest", "x"), "next"),
        reshape("next", "y", (1, 12)),
    ]
    shapes = {"window": (1, 12), "rest": (1, 8), "next": (1, 12), "y": (1, 12)}
    made = machine(nodes, [("window", "y", list(range(12)))], ("y",), step, shapes)
    tensors = {**made.graph.tensors, "begin": begin, "size": size}
    return replace(made, graph=replace(made.graph, tensors=tensors))


def two_states_of_one_value() -> Machine:
    def step(x, s):
        total = clip(s["a"] + x)
        return [clip(total + s["b"])], {"a": total, "b": total}

    nodes = [add("a", "x", "sum"), add("sum", "b", "y")]
    return machine(nodes, [("a", "sum", [0]), ("b", "sum", [1])], ("y",), step)


MACHINES = {
    make.__name__: make()
    for make in (
        accumulator, shows_old_value, shows_old_value_reshaped, reads_old_value_later, delay_line, change_of_places,
        constant_state, shift_register, two_states_of_one_value,
    )
}  # fmt: skip
each_machine = pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES.keys())


def vectors(count: int = 5, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(-40, 40, (count, 1, 4), np.int8)


def expected(machine: Machine, x: np.ndarray) -> list[np.ndarray]:
    memory = {state.read: state.initial.astype(np.int64) for state in machine.graph.states}
    rows = []
    for vector in x.astype(np.int64):
        outputs, memory = machine.step(vector, memory)
        rows.append(outputs)
    return [np.stack(column) for column in zip(*rows, strict=True)]


def compiled(graph: Graph) -> api.Compiled:
    return api.compile_graph(verify_graph(graph, "test"), M4.soc.cpu)


@each_machine
def test_vectors_are_a_sequence_that_starts_from_the_reset_values(machine):
    x = vectors()
    program = compiled(machine.graph).program
    for _ in range(2):
        for ours, wanted in zip(simulate(program, [x]), expected(machine, x), strict=True):
            np.testing.assert_array_equal(ours, wanted)


@each_machine
def test_tracing_carries_the_states_and_so_does_the_planned_arena(machine):
    model = compiled(machine.graph)
    free, planned = reset(model.program), reset(model.program)
    for vector in vectors():
        one = [vector[np.newaxis]]
        pairs = zip(
            trace(model.program, one, free),
            trace_in_arena(model.program, model.plan, one, memory=planned),
            strict=True,
        )
        for (_, mine), (_, other) in pairs:
            for a, b in zip(mine, other, strict=True):
                np.testing.assert_array_equal(a, b)
    for name, value in free.items():
        np.testing.assert_array_equal(value.reshape(-1), planned[name].reshape(-1))


@each_machine
def test_nothing_else_lives_where_a_state_lives(machine):
    model = compiled(machine.graph)
    states = [state.name for state in model.program.states]
    for name in states:
        assert lifetimes(model.program)[name] == (-1, len(model.program.calls))
        mine = model.plan.places[name]
        for other, place in model.plan.places.items():
            assert (
                other == name or place.offset + place.nbytes <= mine.offset or mine.offset + mine.nbytes <= place.offset
            )
    assert model.program.state_bytes == sum(model.program.tensors[name].nbytes for name in states)


def test_values_are_computed_in_the_state_s_memory_where_nothing_is_lost():
    def operators(name: str) -> list[str]:
        return [call.op for call in compiled(MACHINES[name].graph).program.calls]

    assert operators("accumulator") == ["ADD"]
    assert operators("shift_register") == ["SLICE", "CONCATENATION"]
    assert operators("reads_old_value_later") == ["ADD", "ADD", "ASSIGN_VARIABLE"]
    assert operators("shows_old_value") == ["ADD", "READ_VARIABLE", "ASSIGN_VARIABLE"]
    assert operators("delay_line") == ["CONCATENATION"] + ["ASSIGN_VARIABLE"] * 3


@each_machine
def test_a_program_is_saved_with_its_states(machine, tmp_path):
    program = compiled(machine.graph).program
    (tmp_path / "program").write_bytes(program_bytes(program))
    again = load_program(tmp_path / "program", params_type)
    assert again.hash == program.hash
    np.testing.assert_array_equal(simulate(again, [vectors()])[0], simulate(program, [vectors()])[0])


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    folder = tmp_path_factory.mktemp("states") / "firmware"
    model = compiled(side_by_side("machines", {name: each.graph for name, each in MACHINES.items()}))
    folder.mkdir()
    write_files(emit(model.program, model.plan, M4), folder)
    return model, folder


@needs_host
def test_the_host_equals_the_simulator_over_a_sequence(firmware):
    model, folder = firmware
    inputs = [vectors(seed=i) for i in range(len(MACHINES))]
    with open_host(build(folder, "host"), program_hash=bytes.fromhex(model.program.hash)) as session:
        first = verify_on(model.program, session, inputs, "host")
        assert first.equal, first.first_difference
        # the same session once more: a reset has to stand between
        assert verify_on(model.program, session, inputs, "host").equal
        outputs = run_on(model.program, session, inputs)
        wanted = [y for i, each in enumerate(MACHINES.values()) for y in expected(each, inputs[i])]
        for ours, theirs in zip(outputs, wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@needs_qemu
def test_an_emulated_core_equals_the_simulator_over_a_sequence(firmware):
    model, folder = firmware
    inputs = [vectors(seed=i) for i in range(len(MACHINES))]
    with open_qemu(M4, build(folder, "target"), icount=False) as session:
        assert verify_on(model.program, session, inputs, "qemu").equal


@needs_host
def test_a_state_that_is_not_carried_is_found(firmware):
    """A firmware whose first layer forgets everything differs in the second vector."""
    model, folder = firmware
    source = folder / "model" / "machines.c"
    text = source.read_text()
    broken, count = re.subn(r"(?m)^(static int \w+\(void\)\n\{\n)", r"\1    machines_reset();\n", text, count=1)
    assert count == 1
    inputs = [vectors(seed=i) for i in range(len(MACHINES))]
    try:
        source.write_text(broken)
        with open_host(build(folder, "host")) as session:
            result = verify_on(model.program, session, inputs, "host")
    finally:
        source.write_text(text)
    assert not result.equal and result.first_difference.vector == 1


def test_only_models_that_remember_have_a_reset_function():
    def header(graph: Graph) -> str:
        model = compiled(graph)
        return emit(model.program, model.plan, M4)["model/machine.h"].decode()

    graph = MACHINES["accumulator"].graph
    assert "void machine_reset(void);" in header(graph) and "total: int8 1x4, 4 bytes" in header(graph)
    forgetful = replace(graph, inputs=("x", "total"), states=())
    assert "reset" not in header(forgetful)


def test_a_state_that_no_output_depends_on_is_removed():
    graph = MACHINES["change_of_places"].graph
    kept = prepare_quantized(graph)
    assert {state.read for state in kept.states} == {"a", "b", "c"}


@each_machine
def test_passes_keep_what_an_integer_model_computes(machine):
    x = vectors()
    graph = shrink_channels(prepare_quantized(machine.graph))
    for ours, wanted in zip(simulate(compiled(graph).program, [x]), expected(machine, x), strict=True):
        np.testing.assert_array_equal(ours, wanted)


def test_a_state_must_fit_what_it_becomes():
    graph = MACHINES["accumulator"].graph
    other = replace(graph.tensors["sum"], quant=QuantParams([2.0], [0]))
    with pytest.raises(EdgeqError, match="old and new value"):
        verify_graph(replace(graph, tensors={**graph.tensors, "sum": other}), "test")
    wide = [replace(graph.states[0], initial=np.zeros((1, 5), np.int8))]
    with pytest.raises(EdgeqError, match="initial value"):
        verify_graph(graph.rewrite(states=wide), "test")
    with pytest.raises(EdgeqError, match="listed twice"):
        verify_graph(graph.rewrite(states=graph.states * 2), "test")


def test_several_vectors_of_a_program_with_states_are_not_traced_at_once():
    program = compiled(MACHINES["accumulator"].graph).program
    with pytest.raises(EdgeqError, match="one vector at a time"):
        list(trace(program, [vectors()]))
