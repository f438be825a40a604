"""Every kernel stays within its operands, its results, and scratch of exactly the declared size: the operators' cases
on the host, with all other memory forbidden. The long run takes hundreds of cases an operator.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from edgeq.api import Compiled
from edgeq.kernels import KernelSetting
from edgeq.lower import lower
from edgeq.memory import plan_memory
from edgeq.target import load_board

from ..ops.cases import all_cases
from ..ops.graphs import Case
from ..ops.test_firmware import merge
from ..tools import needs_host
from . import poisoned

SEED = 4711
PER_OP = int(os.environ.get("EDGEQ_HOST_CASES", 2))
IN_ONE = 800  # cases of one executable
TOGETHER = 40  # cases of one graph
BOARD = load_board("mps2-an386")


def model_of(cases: list[Case], name: str, setting: KernelSetting) -> tuple[Compiled, tuple]:
    graph, inputs = merge(cases)
    program = lower(replace(graph, name=name), BOARD.soc.cpu, kernels=setting)
    return Compiled(graph, program, plan_memory(program), ()), inputs


CASES = all_cases(SEED, PER_OP)


@needs_host
@pytest.mark.parametrize("start", range(0, len(CASES), IN_ONE))
@pytest.mark.parametrize("setting", [KernelSetting.CMSIS_NN, KernelSetting.TUNED], ids=lambda s: s.value)
def test_kernels_stay_within_their_memory(start: int, setting: KernelSetting, tmp_path) -> None:
    some = CASES[start : start + IN_ONE]
    groups = [some[i : i + TOGETHER] for i in range(0, len(some), TOGETHER)]
    pairs = [model_of(group, f"group_{i}", setting) for i, group in enumerate(groups)]
    models, inputs = zip(*pairs, strict=True)
    program = poisoned.executable(models, BOARD, tmp_path)
    for group, model, x, found in zip(groups, models, inputs, poisoned.run(program, models, inputs), strict=True):
        for vector, (ours, theirs) in enumerate(zip(poisoned.simulated(model, x), found, strict=True)):
            for call, a, b in zip(model.program.calls, ours.layers, theirs.layers, strict=True):
                assert a == b, f"vector {vector}, {call.name} ({call.kernel}) of {[str(c) for c in group]}"
            assert ours.outputs == theirs.outputs
