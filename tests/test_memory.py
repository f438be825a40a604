"""The memory plan: live tensors never overlap, whatever the program."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir import DType
from edgeq.memory import ALIGNMENT, MemoryPlan, lifetimes, plan_memory
from edgeq.program import KernelCall, Program, ProgramTensor


def program(
    sizes: dict[str, int], calls: list[tuple[list[str], str, int]], inputs: list[str], outputs: list[str]
) -> Program:
    """A program of byte tensors; a call is (operands, result, scratch bytes)."""
    tensors = {name: ProgramTensor(name, (size,), DType.INT8) for name, size in sizes.items()}
    return Program(
        "test",
        tensors,
        tuple(
            KernelCall(f"call_{i}", "ADD", "kernel", None, tuple(xs), (y,), scratch)
            for i, (xs, y, scratch) in enumerate(calls)
        ),
        tuple(inputs),
        tuple(outputs),
        cpu="any",
    )


def random_program(seed: int) -> Program:
    """A random graph with branches: every call reads one or two earlier tensors."""
    dice = np.random.default_rng(seed)
    sizes = {"t0": int(dice.integers(1, 200))}
    calls = []
    for i in range(1, int(dice.integers(2, 25))):
        operands = [f"t{j}" for j in dice.integers(max(0, i - 6), i, size=dice.integers(1, 3))]
        same = dice.random() < 0.5
        sizes[f"t{i}"] = sizes[operands[0]] if same else int(dice.integers(1, 200))
        calls.append((operands, f"t{i}", int(dice.integers(0, 60)) if dice.random() < 0.3 else 0))
    return program(sizes, calls, ["t0"], [f"t{len(sizes) - 1}"])


def assert_sound(p: Program, plan: MemoryPlan) -> None:
    shared = {frozenset((a, b)) for _, a, b in plan.in_place}
    everything = {**plan.places, **{f"scratch of {k}": v for k, v in plan.scratch.items()}}
    assert set(plan.places) == set(lifetimes(p))
    for place in everything.values():
        assert place.offset % ALIGNMENT == 0
        assert place.offset >= 0 and place.offset + place.nbytes <= plan.total_bytes
    names = sorted(everything)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            x, y = everything[a], everything[b]
            meet = x.first <= y.last and y.first <= x.last
            overlap = x.offset < y.offset + y.nbytes and y.offset < x.offset + x.nbytes
            assert not (meet and overlap) or frozenset((a, b)) in shared, (a, b)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_live_storage_never_overlaps(seed, in_place):
    p = random_program(seed)
    plan = plan_memory(p, lambda kernel: in_place)
    assert_sound(p, plan)
    for name, operand, result in plan.in_place:
        call = next(c for c in p.calls if c.name == name)
        index = p.calls.index(call)
        assert operand in call.inputs and call.outputs == (result,)
        assert plan.places[operand].last == index == plan.places[result].first


def test_a_chain_needs_its_widest_pair():
    p = program({"a": 100, "b": 200, "c": 40}, [(["a"], "b", 0), (["b"], "c", 0)], ["a"], ["c"])
    plan = plan_memory(p, lambda kernel: False)
    assert plan.total_bytes == plan.lower_bound == 300
    assert plan.peak_call == "call_0"


def test_scratch_is_counted_apart():
    p = program({"a": 100, "b": 100}, [(["a"], "b", 48)], ["a"], ["b"])
    plan = plan_memory(p, lambda kernel: False)
    assert (plan.arena_bytes, plan.scratch_bytes, plan.total_bytes) == (200, 48, 248)


def test_in_place_only_where_the_operand_dies():
    kept = program({"a": 100, "b": 100, "c": 100}, [(["a"], "b", 0), (["a", "b"], "c", 0)], ["a"], ["c"])
    plan = plan_memory(kept, lambda kernel: True)
    assert [(call, operand) for call, operand, _ in plan.in_place] == [("call_1", "a")]
    assert plan.total_bytes == 200


def test_program_outputs_survive_to_the_end():
    p = program({"a": 8, "b": 8, "c": 8}, [(["a"], "b", 0), (["b"], "c", 0)], ["a"], ["b", "c"])
    plan = plan_memory(p, lambda kernel: True)
    assert plan.places["b"].last == 2
    assert_sound(p, plan)


def test_the_same_program_gives_the_same_plan():
    assert plan_memory(random_program(3), lambda k: True) == plan_memory(random_program(3), lambda k: True)
