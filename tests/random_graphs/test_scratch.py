"""Every kernel stays within its operands, its results, and scratch of exactly the declared size: the operators' cases
on the host, with all other memory forbidden. The long run takes hundreds of cases an operator.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from edgeq.api import Compiled
from edgeq.fixedpoint import Dialect
from edgeq.kernels import KernelSetting, Optimize, choose_kernel
from edgeq.lower import lower
from edgeq.memory import plan_memory
from edgeq.ops import find_op
from edgeq.target import Board, load_board

from ..ops.cases import cases_of, count_of, covered_formats
from ..ops.formats import Format
from ..ops.graphs import Case
from ..ops.test_firmware import merge
from ..tools import needs_host
from . import poisoned

SEED = 4711
PER_OP = int(os.environ.get("EDGEQ_HOST_CASES", 2))
IN_ONE = 800  # cases of one executable
TOGETHER = 40  # cases of one graph
M4, M0, M55 = (load_board(name) for name in ("mps2-an386", "mps2-an385-m0", "mps3-an547"))
#: Each takes the cases that no earlier one runs by the same kernel.
BUILDS = [
    (M4, KernelSetting.CMSIS_NN, Optimize.SPEED),
    (M4, KernelSetting.TUNED, Optimize.SPEED),
    (M0, KernelSetting.TUNED, Optimize.SPEED),
    (M0, KernelSetting.TUNED, Optimize.RAM),
    (M55, KernelSetting.TUNED, Optimize.SPEED),
]
FORMATS = covered_formats()
AT_ONCE = max(1, IN_ONE // PER_OP)


def kernel_of(case: Case, board: Board, setting: KernelSetting, optimize: Optimize) -> str:
    """The kernel that runs a case; "" where it takes none."""
    (node,) = case.graph.nodes
    op = find_op(node.op)
    if op.alias:
        return ""
    params = op.lower(node, case.graph, Dialect.DOUBLE).params
    return choose_kernel(case.op, params, board.soc.cpu, str(case), setting, optimize).name


def own_cases(formats: Sequence[tuple[str, Format]], build: int) -> Iterator[Case]:
    """Cases of some operators and formats that this build is the first to run by their kernel."""
    for op, dtype in formats:
        for case in cases_of(op, SEED, count_of(op, dtype, PER_OP), dtype):
            kernels = [kernel_of(case, *each) for each in BUILDS[: build + 1]]
            if kernels[-1] not in kernels[:-1]:
                yield case


def model_of(cases: list[Case], name: str, build: tuple[Board, KernelSetting, Optimize]) -> tuple[Compiled, tuple]:
    board, setting, optimize = build
    graph, inputs = merge(cases)
    program = lower(replace(graph, name=name), board.soc.cpu, kernels=setting, optimize=optimize)
    return Compiled(graph, program, plan_memory(program), ()), inputs


@needs_host
@pytest.mark.parametrize(
    "start", range(0, len(FORMATS), AT_ONCE), ids=lambda i: f"{FORMATS[i][0]}-{FORMATS[i][1].value}"
)
@pytest.mark.parametrize(
    "build", range(len(BUILDS)), ids=lambda i: "-".join((BUILDS[i][0].name, BUILDS[i][1].value, BUILDS[i][2].value))
)
def test_kernels_stay_within_their_memory(start: int, build: int, tmp_path) -> None:
    some = list(own_cases(FORMATS[start : start + AT_ONCE], build))
    if not some:
        return  # the long run goes by a few operators at a time, and not all have kernels of this core
    board = BUILDS[build][0]
    groups = [some[i : i + TOGETHER] for i in range(0, len(some), TOGETHER)]
    pairs = [model_of(group, f"group_{i}", BUILDS[build]) for i, group in enumerate(groups)]
    models, inputs = zip(*pairs, strict=True)
    program = poisoned.executable(models, board, tmp_path)
    for group, model, x, found in zip(groups, models, inputs, poisoned.run(program, models, inputs), strict=True):
        for vector, (ours, theirs) in enumerate(zip(poisoned.simulated(model, x), found, strict=True)):
            for call, a, b in zip(model.program.calls, ours.layers, theirs.layers, strict=True):
                assert a == b, f"vector {vector}, {call.name} ({call.kernel}) of {[str(c) for c in group]}"
            assert ours.outputs == theirs.outputs
