"""The memory plan: live tensors never overlap, whatever the program."""

from __future__ import annotations

import time

import numpy as np
import pytest

from edgeq import memory
from edgeq.ir import DType
from edgeq.memory import ALIGNMENT, MemoryPlan, lifetimes, plan_memory
from edgeq.program import KernelCall, Overlap, Program, ProgramTensor

APART = Overlap()
IN_PLACE = Overlap(in_place=True)


def program(
    sizes: dict[str, int],
    calls: list[tuple[list[str], str, int]],
    inputs: list[str],
    outputs: list[str],
    overlap: Overlap | list[Overlap] = APART,
) -> Program:
    """A program of byte tensors; a call is (operands, result, scratch bytes). `overlap`: of all calls, or of each."""
    overlaps = overlap if isinstance(overlap, list) else [overlap] * len(calls)
    tensors = {name: ProgramTensor(name, (size,), DType.INT8) for name, size in sizes.items()}
    return Program(
        "test",
        tensors,
        tuple(
            KernelCall(f"call_{i}", "ADD", "kernel", None, tuple(xs), (y,), scratch, overlaps[i])
            for i, (xs, y, scratch) in enumerate(calls)
        ),
        tuple(inputs),
        tuple(outputs),
        cpu="any",
    )


def random_overlap(dice: np.random.Generator) -> Overlap:
    def distance() -> int | None:
        return int(dice.integers(0, 60)) if dice.random() < 0.6 else None

    return Overlap(bool(dice.random() < 0.3), distance(), distance())


def random_program(seed: int, overlap: Overlap | None = None) -> Program:
    """A random graph with branches: every call reads one or two earlier tensors. Without `overlap`, random ones."""
    dice = np.random.default_rng(seed)
    sizes = {"t0": int(dice.integers(1, 200))}
    calls = []
    for i in range(1, int(dice.integers(2, 25))):
        operands = [f"t{j}" for j in dice.integers(max(0, i - 6), i, size=dice.integers(1, 3))]
        same = dice.random() < 0.5
        sizes[f"t{i}"] = sizes[operands[0]] if same else int(dice.integers(1, 200))
        calls.append((operands, f"t{i}", int(dice.integers(0, 60)) if dice.random() < 0.3 else 0))
    overlaps = [random_overlap(dice) if overlap is None else overlap for _ in calls]
    return program(sizes, calls, ["t0"], [f"t{len(sizes) - 1}"], overlaps)


def assert_sound(p: Program, plan: MemoryPlan) -> None:
    shared = {frozenset((a, b)) for _, a, b in (*plan.in_place, *plan.overlaps)}
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
    calls = {call.name: call for call in p.calls}
    for name, operand, result in plan.overlaps:
        x, y, allowed = plan.places[operand], plan.places[result], calls[name].overlap
        assert calls[name].inputs.count(operand) == 1 and calls[name].inputs[0] == operand
        assert x.last == y.first == p.calls.index(calls[name])
        if name in plan.backwards:
            assert y.offset + y.nbytes >= x.offset + x.nbytes + allowed.backwards
        else:
            assert y.offset <= x.offset - allowed.forwards


@pytest.mark.parametrize("overlap", [APART, IN_PLACE, None], ids=["apart", "in place", "any"])
@pytest.mark.parametrize("seed", range(60))
def test_live_storage_never_overlaps(seed, overlap):
    p = random_program(seed, overlap)
    plan = plan_memory(p)
    assert plan.lower_bound <= plan.total_bytes
    assert_sound(p, plan)
    for name, operand, result in plan.in_place:
        call = next(c for c in p.calls if c.name == name)
        index = p.calls.index(call)
        assert operand in call.inputs and call.outputs == (result,)
        assert plan.places[operand].last == index == plan.places[result].first


def test_a_chain_needs_its_widest_pair():
    p = program({"a": 100, "b": 200, "c": 40}, [(["a"], "b", 0), (["b"], "c", 0)], ["a"], ["c"])
    plan = plan_memory(p)
    assert plan.total_bytes == plan.lower_bound == 300
    assert plan.peak_call == "call_0"


def test_scratch_is_counted_apart():
    p = program({"a": 100, "b": 100}, [(["a"], "b", 48)], ["a"], ["b"])
    plan = plan_memory(p)
    assert (plan.arena_bytes, plan.scratch_bytes, plan.total_bytes) == (200, 48, 248)


def test_in_place_only_where_the_operand_dies():
    kept = program({"a": 100, "b": 100, "c": 100}, [(["a"], "b", 0), (["a", "b"], "c", 0)], ["a"], ["c"], IN_PLACE)
    plan = plan_memory(kept)
    assert [(call, operand) for call, operand, _ in plan.in_place] == [("call_1", "a")]
    assert plan.total_bytes == 200


def test_program_outputs_survive_to_the_end():
    p = program({"a": 8, "b": 8, "c": 8}, [(["a"], "b", 0), (["b"], "c", 0)], ["a"], ["b", "c"], IN_PLACE)
    plan = plan_memory(p)
    assert plan.places["b"].last == 2
    assert_sound(p, plan)


def test_a_kernel_that_walks_forwards_follows_its_operand():
    p = program({"a": 100, "b": 100}, [(["a"], "b", 0)], ["a"], ["b"], Overlap(forwards=12))
    plan = plan_memory(p)
    assert (plan.places["a"].offset, plan.places["b"].offset, plan.total_bytes) == (12, 0, 112)
    assert plan.overlaps == (("call_0", "a", "b"),) and not plan.backwards
    assert plan.total_bytes == plan.lower_bound


def test_a_wide_result_covers_its_operand():
    """Twice as many bytes out as in, one of each at a time: the operand has to end last."""
    p = program({"a": 100, "b": 200}, [(["a"], "b", 0)], ["a"], ["b"], Overlap(forwards=100))
    plan = plan_memory(p)
    assert (plan.places["a"].offset, plan.places["b"].offset, plan.total_bytes) == (100, 0, 200)


def test_walking_back_returns_what_walking_forwards_took():
    """Four layers in a chain, each result 16 below or above its operand: without turning it would take four steps."""
    sizes = dict.fromkeys("abcde", 100)
    calls = [([x], y, 0) for x, y in zip("abcd", "bcde", strict=True)]
    straight = plan_memory(program(sizes, calls, ["a"], ["e"], Overlap(forwards=16)))
    turning = plan_memory(program(sizes, calls, ["a"], ["e"], Overlap(forwards=16, backwards=16)))
    assert straight.total_bytes == 100 + 4 * 16
    assert turning.total_bytes == turning.lower_bound == 116
    assert len(turning.backwards) == 2


def test_an_operand_read_twice_or_needed_later_is_not_overwritten():
    sizes = {"a": 100, "b": 100, "c": 100}
    twice = plan_memory(program(sizes, [(["a", "a"], "b", 0)], ["a"], ["b"], Overlap(forwards=0)))
    later = plan_memory(program(sizes, [(["a"], "b", 0), (["b", "a"], "c", 0)], ["a"], ["c"], Overlap(forwards=0)))
    assert not twice.overlaps and twice.total_bytes == 200
    assert [call for call, _, _ in later.overlaps] == ["call_1"]


def test_the_same_program_gives_the_same_plan():
    assert plan_memory(random_program(3)) == plan_memory(random_program(3))


def test_a_bound_that_alignment_keeps_out_of_reach_takes_no_time():
    p = program({"x": 18, "y": 18}, [(["x"], "y", 0)], ["x"], ["y"], Overlap(forwards=18))
    start = time.process_time()
    plan = plan_memory(p)
    assert time.process_time() - start < 0.5
    assert plan.total_bytes > plan.lower_bound
    assert_sound(p, plan)


@pytest.mark.parametrize("seed", range(20))
def test_many_tensors_are_planned_as_few_are(seed, monkeypatch):
    p = random_program(seed)
    few = plan_memory(p)
    monkeypatch.setattr(memory, "MANY", 1)
    monkeypatch.setattr(memory, "EFFORT", 0)  # the search would take long with arrays this small
    many = plan_memory(p)
    monkeypatch.setattr(memory, "MANY", 200)
    assert many == plan_memory(p)
    assert many.lower_bound == few.lower_bound
