"""The offline memory plan: every tensor and every kernel's scratch at a fixed offset of one arena.

Lifetimes are counted in calls. A tensor is live from the call that writes it (`first`; −1 for program inputs) to the
last call that reads it (`last`; the number of calls for program outputs). Two tensors whose lifetimes meet never
overlap, except that a kernel that allows it writes its result over an operand that dies there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from edgeq.program import Program

ALIGNMENT = 4  # bytes: the widest access to a tensor or to scratch that kernels make is one word
EFFORT = 3_000_000  # comparisons of two blocks: a second or two at the most


@dataclass(frozen=True)
class Place:
    """Where a tensor (or a call's scratch) lives: bytes [offset, offset + nbytes) during calls [first, last]."""

    offset: int
    nbytes: int
    first: int
    last: int


@dataclass(frozen=True)
class MemoryPlan:
    """Offsets of all storage.

    Attributes:
        places: by storage name (aliases are not listed: see `Program.storage`).
        scratch: place of each call's scratch by call name, for calls that need any.
        arena_bytes: what tensors alone need.
        total_bytes: what tensors and scratch need together: the size of the arena in C.
        lower_bound: no plan of these lifetimes can be smaller.
        in_place: (call name, operand storage, result storage) of results written over an operand.
        peak_call: name of the call during which most memory is live.
    """

    places: Mapping[str, Place]
    scratch: Mapping[str, Place]
    arena_bytes: int
    total_bytes: int
    lower_bound: int
    in_place: tuple[tuple[str, str, str], ...]
    peak_call: str

    @property
    def scratch_bytes(self) -> int:
        """What scratch adds to the arena."""
        return self.total_bytes - self.arena_bytes


@dataclass(frozen=True)
class _Block:
    """Storage that moves as one: tensors chained by in-place calls, or one call's scratch."""

    members: tuple[str, ...]
    nbytes: int
    first: int
    last: int

    def meets(self, other: _Block) -> bool:
        return self.first <= other.last and other.first <= self.last


def lifetimes(program: Program) -> dict[str, tuple[int, int]]:
    """(first, last) of every storage that holds run-time data."""
    end = len(program.calls)
    spans: dict[str, tuple[int, int]] = {}

    def touch(name: str, call: int) -> None:
        storage = program.storage(name)
        if program.tensors[storage].data is None:
            first, last = spans.get(storage, (call, call))
            spans[storage] = (first, max(last, call))

    for name in program.inputs:
        touch(name, -1)
    for index, call in enumerate(program.calls):
        for name in (*call.inputs, *call.outputs):
            touch(name, index)
    for name in program.outputs:
        touch(name, end)
    return spans


def plan_memory(program: Program, may_overwrite: Callable[[str], bool]) -> MemoryPlan:
    """Plans the arena.

    Args:
        may_overwrite: whether the kernel of that name may write its result over an operand of the same size.

    Returns: the best of several placements; it does not depend on anything but the program.
    """
    spans = lifetimes(program)
    blocks, in_place = _chain_in_place(program, spans, may_overwrite)
    scratch = [
        _Block((f"scratch of {call.name}",), _align(call.scratch_bytes), index, index)
        for index, call in enumerate(program.calls)
        if call.scratch_bytes
    ]
    _, arena_bytes = _best_placement(blocks)
    offsets, total = _best_placement(blocks + scratch)
    places = {
        member: Place(offsets[block], program.tensors[member].nbytes, *spans[member])
        for block in blocks
        for member in block.members
    }
    of_call = {block.first: Place(offsets[block], block.nbytes, block.first, block.last) for block in scratch}
    scratch_places = {call.name: of_call[i] for i, call in enumerate(program.calls) if i in of_call}
    bound, peak = _lower_bound(blocks + scratch)
    peak_call = program.calls[min(max(peak, 0), len(program.calls) - 1)].name if program.calls else ""
    return MemoryPlan(places, scratch_places, min(arena_bytes, total), total, bound, tuple(in_place), peak_call)


def _align(nbytes: int) -> int:
    return (nbytes + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def _chain_in_place(
    program: Program, spans: Mapping[str, tuple[int, int]], may_overwrite: Callable[[str], bool]
) -> tuple[list[_Block], list[tuple[str, str, str]]]:
    leader = {name: name for name in spans}  # storage -> first member of its chain
    members = {name: [name] for name in spans}
    in_place = []
    for index, call in enumerate(program.calls):
        if not may_overwrite(call.kernel) or len(call.outputs) != 1:
            continue
        result = program.storage(call.outputs[0])
        for name in call.inputs:
            operand = program.storage(name)
            if (
                operand in spans
                and operand != result
                and spans[operand][1] == index
                and spans[result][0] == index
                and program.tensors[operand].nbytes == program.tensors[result].nbytes
            ):
                chain = members[leader[operand]]
                chain.append(result)
                leader[result] = leader[operand]
                del members[result]
                in_place.append((call.name, operand, result))
                break
    blocks = [
        _Block(
            tuple(chain),
            _align(max(program.tensors[m].nbytes for m in chain)),
            min(spans[m][0] for m in chain),
            max(spans[m][1] for m in chain),
        )
        for chain in members.values()
    ]
    return blocks, in_place


def _lower_bound(blocks: Iterable[_Block]) -> tuple[int, int]:
    """(bytes live at the busiest call, that call)."""
    blocks = list(blocks)
    moments = sorted({b.first for b in blocks} | {b.last for b in blocks})
    live = {t: sum(b.nbytes for b in blocks if b.first <= t <= b.last) for t in moments}
    busiest = max(moments, key=lambda t: (live[t], -t), default=0)
    return live.get(busiest, 0), busiest


def _place(order: list[_Block]) -> tuple[dict[_Block, int], int]:
    """First fit: each block goes to the lowest gap among the already placed blocks that it meets."""
    offsets: dict[_Block, int] = {}
    total = 0
    for block in order:
        start = 0
        for low, high in sorted((offsets[b], offsets[b] + b.nbytes) for b in offsets if b.meets(block)):
            if low - start >= block.nbytes:
                break
            start = max(start, high)
        offsets[block] = start
        total = max(total, start + block.nbytes)
    return offsets, total


def _best_placement(blocks: list[_Block]) -> tuple[dict[_Block, int], int]:
    """The smallest of several orders of first fit, then of seeded random exchanges; stops at the lower bound."""
    bound, _ = _lower_bound(blocks)
    orders = [
        sorted(blocks, key=lambda b: (-b.nbytes, b.first, b.members)),
        sorted(blocks, key=lambda b: (-(b.last - b.first + 1) * b.nbytes, b.first, b.members)),
        sorted(blocks, key=lambda b: (b.first, -b.nbytes, b.members)),
    ]
    order = min(orders, key=lambda o: _place(o)[1])
    offsets, total = _place(order)
    dice = random.Random(0)
    for _ in range(EFFORT // len(blocks) ** 2 if len(blocks) > 1 else 0):
        if total <= bound:
            break
        trial = list(order)
        i, j = dice.randrange(len(trial)), dice.randrange(len(trial))
        trial.insert(j, trial.pop(i))
        trial_offsets, trial_total = _place(trial)
        if trial_total <= total:
            order, offsets, total = trial, trial_offsets, trial_total
    return offsets, total
