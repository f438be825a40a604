"""Graphs of many operators, grown at random, through the plan, the simulator in the planned arena, and C.

The merged firmware of tests/ops shows each operator by itself; here results follow operands through one arena, branches
join, tensors are read late, int8 and int16 meet, and states go on.
"""

from __future__ import annotations

import functools
import os
from dataclasses import replace

import numpy as np
import pytest

from edgeq.api import Compiled, compile_graph
from edgeq.device.session import open_qemu
from edgeq.emit import emit, write_files
from edgeq.ir import Graph
from edgeq.kernels import KernelSetting
from edgeq.memory import MemoryPlan
from edgeq.simulate import reset, trace, trace_in_arena
from edgeq.target import load_board
from edgeq.toolchain.build import build
from edgeq.verify import random_vectors, verify_on

from ..ops.cases import covered_ops
from ..tools import needs_host, needs_qemu
from . import poisoned
from .growing import random_graph

COUNT = int(os.environ.get("EDGEQ_GRAPHS", 24))
ON_CORES = {"M4": "mps2-an386", "M55": "mps3-an547", "M0": "mps2-an385-m0"}
IN_ONE = 40  # graphs of one executable
VECTORS = 5
SETTINGS = tuple(KernelSetting)


@functools.cache
def compiled(seed: int, board: str = ON_CORES["M4"]) -> Compiled:
    return compile_graph(random_graph(seed), load_board(board).soc.cpu, kernels=SETTINGS[seed % len(SETTINGS)])


def vectors(model: Compiled, seed: int) -> tuple[np.ndarray, ...]:
    return random_vectors(model.program, VECTORS, seed)


@pytest.mark.parametrize("start", range(0, COUNT, IN_ONE))
def test_the_planned_arena_holds_every_value(start: int) -> None:
    for seed in range(start, min(COUNT, start + IN_ONE)):
        model = compiled(seed)
        inputs = vectors(model, seed)
        plain, planned = reset(model.program), reset(model.program)
        for vector in range(VECTORS):
            x = [values[vector : vector + 1] for values in inputs]
            both = zip(
                trace(model.program, x, plain),
                trace_in_arena(model.program, model.plan, x, memory=planned),
                strict=True,
            )
            for (call, expected), (_, found) in both:
                for a, b in zip(expected, found, strict=True):
                    np.testing.assert_array_equal(a, b, err_msg=f"graph {seed}, {call.name}", strict=True)


@needs_host
@pytest.mark.parametrize("start", range(0, COUNT, IN_ONE))
def test_c_touches_nothing_but_its_operands_results_and_scratch(start: int, tmp_path) -> None:
    """Dead memory is poisoned, all other memory forbidden; compiled with ASan and UBSan."""
    seeds = range(start, min(COUNT, start + IN_ONE))
    models = [compiled(seed) for seed in seeds]
    inputs = [vectors(model, seed) for model, seed in zip(models, seeds, strict=True)]
    program = poisoned.executable(models, load_board(ON_CORES["M4"]), tmp_path)
    for seed, model, x, found in zip(seeds, models, inputs, poisoned.run(program, models, inputs), strict=True):
        for vector, (ours, theirs) in enumerate(zip(poisoned.simulated(model, x), found, strict=True)):
            for call, a, b in zip(model.program.calls, ours.layers, theirs.layers, strict=True):
                assert a == b, f"graph {seed}, vector {vector}, {call.name} ({call.kernel})"
            assert ours.outputs == theirs.outputs, f"graph {seed}, vector {vector}"


@needs_qemu
@pytest.mark.parametrize("core", ON_CORES)
def test_an_emulated_core_computes_the_same(core: str, tmp_path) -> None:
    seed = 1000 + list(ON_CORES).index(core)
    board = load_board(ON_CORES[core])
    model = compiled(seed, ON_CORES[core])
    write_files(emit(model.program, model.plan, board), tmp_path)
    with open_qemu(board, build(tmp_path, "target"), icount=False) as session:
        result = verify_on(model.program, session, vectors(model, seed), session.name)
    assert result.equal, result.first_difference


def test_graphs_are_as_varied_as_they_should_be() -> None:
    graphs = [random_graph(seed) for seed in range(60)]
    assert len({node.op for graph in graphs for node in graph.nodes}) > len(covered_ops()) / 2
    assert sum(len(graph.inputs) > 1 for graph in graphs) > 20
    assert sum(len(graph.outputs) > 1 for graph in graphs) > 20
    assert sum(bool(graph.states) for graph in graphs) > 5
    types = [{t.dtype.value for t in graph.tensors.values() if not t.is_constant} for graph in graphs]
    assert sum({"int8", "int16"} <= each for each in types) > 20
    assert sum(_lives_long(graph) for graph in graphs) > 20


def _lives_long(graph: Graph) -> bool:
    """Whether some result is read again after five other nodes or more."""
    born = {name: i for i, node in enumerate(graph.nodes) for name in node.outputs}
    return any(i - born[name] > 5 for i, node in enumerate(graph.nodes) for name in node.inputs if name in born)


def test_plans_let_results_follow_their_operands() -> None:
    plans = [compiled(seed).plan for seed in range(60)]
    assert sum(len(plan.in_place) for plan in plans) > 60
    assert sum(len(plan.overlaps) for plan in plans) > 5


def overlapping(model: Compiled) -> MemoryPlan | None:
    """The plan with a tensor moved over another one that is read after it was written: wrong, if there are such."""
    program, plan = model.program, model.plan
    for index, call in enumerate(program.calls):
        result = program.storage(call.outputs[0])
        for name, place in plan.places.items():
            later = any(name in map(program.storage, c.inputs) for c in program.calls[index + 1 :])
            if later and place.first < index < place.last and plan.places[result].nbytes <= place.nbytes:
                moved = replace(plan.places[result], offset=place.offset)
                return replace(plan, places={**plan.places, result: moved})
    return None


def test_a_plan_with_overlapping_tensors_is_noticed() -> None:
    """The mutant: one result lies over a tensor that is still needed."""
    noticed = tried = 0
    for seed in range(30):
        model = compiled(seed)
        wrong = overlapping(model)
        if wrong is None or model.program.states:
            continue
        tried += 1
        x = [values[4:5] for values in vectors(model, seed)]
        both = zip(trace(model.program, x), trace_in_arena(model.program, wrong, x), strict=True)
        noticed += any(not np.array_equal(a, b) for (_, xs), (_, ys) in both for a, b in zip(xs, ys, strict=True))
    assert tried > 10
    # the others overwrite what equals the result, or bytes that make no difference any more
    assert noticed > tried / 2


@needs_host
def test_a_kernel_that_leaves_its_memory_is_noticed(tmp_path) -> None:
    """The mutant: a scratch or a result that is declared shorter than what the kernel uses."""
    model = next(m for m in map(compiled, range(50)) if any(len(c.outputs) == 1 for c in m.program.calls))
    program = poisoned.executable([model], load_board(ON_CORES["M4"]), tmp_path)
    inputs = vectors(model, 0)
    call = model.program.calls[0]
    storage = model.program.storage(call.outputs[0])
    place = model.plan.places[storage]
    short = replace(place, nbytes=place.nbytes // 2)
    wrong = replace(model, plan=replace(model.plan, places={**model.plan.places, storage: short}))
    with pytest.raises(AssertionError, match="use-after-poison"):
        list(poisoned.run(program, [wrong], [inputs]))
