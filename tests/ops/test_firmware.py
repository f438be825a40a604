"""Every operator's C equals the simulator: many one-operator graphs in one program, on the host and on emulated cores.

The simulator itself is held against TFLite in test_conformance.py, with the same cases.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeq.device.session import Session, open_host, open_qemu
from edgeq.emit import emit, write_files
from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, State
from edgeq.kernels import KernelSetting, Optimize, find_kernel, known_kernels
from edgeq.lower import lower
from edgeq.memory import plan_memory
from edgeq.ops import known_ops
from edgeq.program import Program
from edgeq.target import load_board
from edgeq.toolchain.build import build
from edgeq.verify import verify_on

from ..tools import needs_host, needs_qemu
from .cases import NOT_NODES, all_cases
from .graphs import Case

SEED = 77
PER_OP = 8
VECTORS = 3
BOARDS = {
    "M4": load_board("mps2-an386"),
    "M7": load_board("mps2-an500"),
    "M33": load_board("mps2-an505"),
    "M55": load_board("mps3-an547"),
    "M3": load_board("mps2-an385"),
    "M0": load_board("mps2-an385-m0"),
}


def merge(cases: list[Case]) -> tuple[Graph, tuple[np.ndarray, ...]]:
    """One graph that holds the graphs of all cases side by side, and its input vectors."""
    tensors, nodes, inputs, outputs, vectors, states = {}, [], [], [], [], []
    for index, case in enumerate(cases):

        def name(of: str, index: int = index) -> str:
            return f"case{index}_{of}" if of else ""

        for tensor in case.graph.tensors.values():
            tensors[name(tensor.name)] = replace(tensor, name=name(tensor.name))
        for node in case.graph.nodes:
            operands, results = tuple(map(name, node.inputs)), tuple(map(name, node.outputs))
            nodes.append(Node(node.op, operands, results, node.attrs, f"{case.op.lower()}_{index}"))
        inputs += map(name, case.graph.inputs)
        outputs += map(name, case.graph.outputs)
        states += [State(name(s.read), name(s.written), s.initial) for s in case.graph.states]
        vectors += [np.resize(x, (VECTORS, *x.shape[1:])) for x in case.inputs]
    return Graph("conformance", tensors, tuple(nodes), tuple(inputs), tuple(outputs), states=tuple(states)), tuple(
        vectors
    )


CASES = all_cases(SEED, PER_OP)
GRAPH, INPUTS = merge(CASES)
# Every byte through an emulated port takes its time: of the operators without states each core gets another vector, and
# where few kernels run that no other core has, every second four of the cases. Halves fit the board of the M55.
REMEMBERING = merge([case for case in CASES if case.graph.states])
STATELESS = [case for case in CASES if not case.graph.states]
HALVES = tuple(merge([case for i, case in enumerate(STATELESS) if i // 4 % 2 == half]) for half in (0, 1))
BOTH, FIRST, SECOND = HALVES, HALVES[:1], HALVES[1:]

# A core of its kind for each build: every kernel setting where it makes a difference, the default elsewhere.
ON_CORES = [
    ("M4", KernelSetting.AUTO, Optimize.SIZE, FIRST),
    ("M4", KernelSetting.CMSIS_NN, Optimize.SPEED, SECOND),
    ("M4", KernelSetting.TUNED, Optimize.SPEED, BOTH),
    ("M7", KernelSetting.TUNED, Optimize.RAM, FIRST),
    ("M33", KernelSetting.TUNED, Optimize.SPEED, SECOND),
    ("M55", KernelSetting.CMSIS_NN, Optimize.SPEED, FIRST),
    ("M55", KernelSetting.TUNED, Optimize.SPEED, BOTH),
    ("M3", KernelSetting.TUNED, Optimize.SPEED, SECOND),
    ("M0", KernelSetting.TUNED, Optimize.SPEED, BOTH),
]
# Whose program and kernels the host runs.
ON_HOST = [("M4", Dialect.DOUBLE, setting, Optimize.SPEED) for setting in KernelSetting] + [
    ("M4", Dialect.LITERT, KernelSetting.TUNED, Optimize.RAM),
    ("M0", Dialect.DOUBLE, KernelSetting.TUNED, Optimize.SPEED),
    ("M55", Dialect.DOUBLE, KernelSetting.TUNED, Optimize.SPEED),
]


@functools.cache
def program(
    core: str,
    dialect: Dialect = Dialect.DOUBLE,
    kernels: KernelSetting = KernelSetting.AUTO,
    optimize: Optimize = Optimize.SPEED,
) -> Program:
    """Every layer by the kernel that its setting prefers, whether or not it saves anything."""
    return lower(GRAPH, BOARDS[core].soc.cpu, dialect, kernels, optimize)


def project(core: str, model: Program, folder: Path, optimize: Optimize) -> None:
    folder.mkdir()
    write_files(emit(model, plan_memory(model), BOARDS[core], small=optimize is Optimize.SIZE), folder)


def assert_equal(model: Program, session: Session, inputs: Sequence[np.ndarray]) -> None:
    with session:
        result = verify_on(model, session, inputs, session.name)
    results = sum(len(call.outputs) for call in model.calls)
    assert result.equal, f"{result.first_difference}"
    assert result.tensors == len(inputs[0]) * (results + len(model.outputs))


@needs_host
@pytest.mark.parametrize(("core", "dialect", "kernels", "optimize"), ON_HOST)
def test_host_equals_the_simulator(core, dialect, kernels, optimize, tmp_path):
    """Compiled with -Wall -Wextra -Wconversion -Werror, ASan and UBSan."""
    model = program(core, dialect, kernels, optimize)
    project(core, model, tmp_path / "firmware", optimize)
    assert_equal(model, open_host(build(tmp_path / "firmware", "host")), INPUTS)


@needs_qemu
@pytest.mark.parametrize(
    ("core", "kernels", "optimize", "halves", "vector"),
    [pytest.param(*row, i % VECTORS, id="-".join(map(str, row[:3]))) for i, row in enumerate(ON_CORES)],
)
def test_emulated_core_equals_the_simulator(core, kernels, optimize, halves, vector, tmp_path):
    images = [(graph, [x[vector : vector + 1] for x in inputs]) for graph, inputs in halves]
    for index, (graph, inputs) in enumerate((REMEMBERING, *images)):
        name = f"image{index}"
        model = lower(graph, BOARDS[core].soc.cpu, Dialect.DOUBLE, kernels, optimize)
        project(core, model, tmp_path / name, optimize)
        assert_equal(model, open_qemu(BOARDS[core], build(tmp_path / name, "target"), icount=False), inputs)


def test_every_operator_and_kernel_takes_part():
    programs = [
        program(core, dialect, setting, optimize)
        for core in ("M4", "M55", "M0")
        for dialect in Dialect
        for setting, optimize in (
            (KernelSetting.CMSIS_NN, Optimize.SPEED),
            (KernelSetting.TUNED, Optimize.SPEED),
            (KernelSetting.TUNED, Optimize.RAM),
        )
    ]
    used = {call.kernel for program in programs for call in program.calls}
    assert used == {kernel.name for kernel in known_kernels()}
    assert {case.op for case in CASES} >= set(known_ops()) - NOT_NODES


def test_both_kinds_of_requantization_take_part():
    """Where code is to be small there is only the general one."""
    calls = [c for c in program("M4", kernels=KernelSetting.TUNED).calls if "one_shift" in c.extras]
    kinds = {(call.kernel, int(call.extras["one_shift"][0])) for call in calls}
    assert kinds == {(call.kernel, kind) for call in calls for kind in (0, 1)}
    cpu = BOARDS["M4"].soc.cpu
    assert not any(find_kernel(c.kernel).small_extras(c.params, cpu)["one_shift"][0] for c in calls)


@pytest.mark.parametrize("core", ["M4", "M3", "M0"])
def test_the_setting_chooses_the_kernels(core):
    def tuned_calls(kernels: KernelSetting) -> set[str]:
        return {call.name for call in program(core, kernels=kernels).calls if find_kernel(call.kernel).tuned}

    everywhere = tuned_calls(KernelSetting.TUNED)
    # what only tuned kernels compute
    without_others = {c.name for c in program(core).calls if getattr(c.params, "weight_type", "") == "int4 in blocks"}
    assert everywhere > without_others
    assert tuned_calls(KernelSetting.CMSIS_NN) == without_others
    assert tuned_calls(KernelSetting.AUTO) <= everywhere


def test_cores_without_the_extension_have_tuned_kernels_of_their_own():
    used = {call.kernel for call in program("M0", kernels=KernelSetting.TUNED).calls}
    assert not {name for name in used if "_dsp_" in name}
    own = {"edgeq_convolve_lanes_s8", "edgeq_depthwise_conv_words_s8", "edgeq_fully_connected_lanes_s8"}
    assert own <= used
