"""The offline memory plan: every tensor and every kernel's scratch at a fixed offset of one arena.

Lifetimes are counted in calls. A tensor is live from the call that writes it (`first`; −1 for program inputs) to the
last call that reads it (`last`; the number of calls for program outputs); a state is live all the time. Two tensors
whose lifetimes meet never overlap, except for a call's result and an operand that dies there, as far as the kernel
allows it (`program.Overlap`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeq.program import Program

ALIGNMENT = (
    4  # bytes: the widest access to a tensor or to scratch that kernels make is one word, but for wider elements
)
EFFORT = 3_000_000  # comparisons of two blocks: a second or two at the most
UNREACHABLE = 1 << 62  # a distance that no plan has
MANY = 200  # from so many blocks on, arrays are faster than lists


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
        in_place: (call name, operand storage, result storage) of results written exactly over an operand.
        overlaps: the same of results that start below or end above an operand that they partly cover.
        backwards: names of the calls among them whose kernel has to compute from the last byte to the first.
        peak_call: name of the call during which most memory is live.
    """

    places: Mapping[str, Place]
    scratch: Mapping[str, Place]
    arena_bytes: int
    total_bytes: int
    lower_bound: int
    in_place: tuple[tuple[str, str, str], ...]
    overlaps: tuple[tuple[str, str, str], ...]
    backwards: frozenset[str]
    peak_call: str

    @property
    def scratch_bytes(self) -> int:
        """What scratch adds to the arena."""
        return self.total_bytes - self.arena_bytes


@dataclass(frozen=True)
class _Block:
    """Storage that moves as one: tensors chained by in-place calls, or one call's scratch. Its offset is a multiple of
    `unit` bytes."""

    members: tuple[str, ...]
    nbytes: int
    first: int
    last: int
    unit: int = ALIGNMENT


@dataclass(frozen=True)
class _Pair:
    """A call's operand and result that may overlap.

    Attributes:
        operand, result: indices of their blocks, which meet during this call only.
        forwards: bytes by which the result has to start below the operand.
        backwards: bytes by which the result's start has to lie above the operand's, were the kernel to walk backwards.
    """

    call: str
    operand: int
    result: int
    operand_bytes: int
    result_bytes: int
    forwards: int
    backwards: int

    @property
    def joint_bytes(self) -> int:
        """The least memory that holds both."""
        side_by_side = self.operand_bytes + self.result_bytes
        forwards = max(self.result_bytes, self.operand_bytes + self.forwards)
        backwards = max(self.operand_bytes - min(0, self.backwards), self.result_bytes + self.backwards)
        return _align(min(side_by_side, forwards, max(backwards, self.result_bytes)))


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
    for state in program.states:
        touch(state.name, -1)
        spans[state.name] = (-1, end)
    return spans


def plan_memory(program: Program) -> MemoryPlan:
    """Plans the arena: the best of several placements; it does not depend on anything but the program."""
    spans = lifetimes(program)
    blocks, in_place = _chain_in_place(program, spans)
    pairs = _pairs(program, spans, blocks)
    scratch = [
        _Block((f"scratch of {call.name}",), _align(call.scratch_bytes), index, index)
        for index, call in enumerate(program.calls)
        if call.scratch_bytes
    ]
    offsets, total = _best_placement(blocks + scratch, pairs)
    arena_bytes = _best_placement(blocks, pairs)[1] if scratch else total
    places = {
        member: Place(offset, program.tensors[member].nbytes, *spans[member])
        for block, offset in zip(blocks, offsets, strict=False)
        for member in block.members
    }
    of_call = {
        block.first: Place(offset, block.nbytes, block.first, block.last)
        for block, offset in zip(scratch, offsets[len(blocks) :], strict=True)
    }
    scratch_places = {call.name: of_call[i] for i, call in enumerate(program.calls) if i in of_call}
    bound, peak = _lower_bound(blocks + scratch, pairs)
    peak_call = program.calls[min(max(peak, 0), len(program.calls) - 1)].name if program.calls else ""
    touching = [pair for pair in pairs if _touch(pair, offsets)]
    return MemoryPlan(
        places,
        scratch_places,
        min(arena_bytes, total),
        total,
        bound,
        tuple(in_place),
        tuple((p.call, blocks[p.operand].members[-1], blocks[p.result].members[0]) for p in touching),
        frozenset(p.call for p in touching if offsets[p.result] > offsets[p.operand] - p.forwards),
        peak_call,
    )


def working_bytes(program: Program) -> tuple[int, ...]:
    """What every call's moment needs at the least: all that lives, the call's scratch, its result over its operand."""
    spans = lifetimes(program)
    blocks, _ = _chain_in_place(program, spans)
    saved = _saved_bytes(blocks, _pairs(program, spans, blocks))
    return tuple(
        sum(b.nbytes for b in blocks if b.first <= index <= b.last) - saved.get(index, 0) + _align(call.scratch_bytes)
        for index, call in enumerate(program.calls)
    )


def _align(nbytes: int, unit: int = ALIGNMENT) -> int:
    return (nbytes + unit - 1) // unit * unit


def _is_handed_over(spans: Mapping[str, tuple[int, int]], operand: str, result: str, call: int) -> bool:
    """Whether this call is the last that needs the operand and the first that has the result."""
    return operand in spans and operand != result and spans[operand][1] == call == spans[result][0]


def _chain_in_place(
    program: Program, spans: Mapping[str, tuple[int, int]]
) -> tuple[list[_Block], list[tuple[str, str, str]]]:
    leader = {name: name for name in spans}  # storage -> first member of its chain
    members = {name: [name] for name in spans}
    in_place = []
    for index, call in enumerate(program.calls):
        if not call.overlap.in_place or len(call.outputs) != 1:
            continue
        result = program.storage(call.outputs[0])
        for name in call.inputs:
            operand = program.storage(name)
            if (
                _is_handed_over(spans, operand, result, index)
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
            max(ALIGNMENT, *(program.tensors[m].dtype.itemsize for m in chain)),
        )
        for chain in members.values()
    ]
    return blocks, in_place


def _pairs(program: Program, spans: Mapping[str, tuple[int, int]], blocks: Sequence[_Block]) -> list[_Pair]:
    """The operands and results that may overlap without being one block."""
    block_of = {member: index for index, block in enumerate(blocks) for member in block.members}
    pairs = []
    for index, call in enumerate(program.calls):
        forwards, backwards = call.overlap.forwards, call.overlap.backwards
        if (forwards is None and backwards is None) or not call.inputs:
            continue
        operand, result = program.storage(call.inputs[0]), program.storage(call.outputs[0])
        # an operand that is read twice is not consumed from one end
        read_once = [program.storage(name) for name in call.inputs].count(operand) == 1
        if not (read_once and _is_handed_over(spans, operand, result, index)):
            continue
        if block_of[operand] == block_of[result]:
            continue
        x, y = program.tensors[operand].nbytes, program.tensors[result].nbytes
        pairs.append(
            _Pair(
                call.name,
                block_of[operand],
                block_of[result],
                x,
                y,
                UNREACHABLE if forwards is None else forwards,
                UNREACHABLE if backwards is None else x - y + backwards,
            )
        )
    return pairs


def _touch(pair: _Pair, offsets: Sequence[int]) -> bool:
    x, y = offsets[pair.operand], offsets[pair.result]
    return x < y + pair.result_bytes and y < x + pair.operand_bytes


def _saved_bytes(blocks: Sequence[_Block], pairs: Iterable[_Pair]) -> dict[int, int]:
    """By call: what an operand and a result that overlap need less than side by side."""
    saved: dict[int, int] = {}
    for pair in pairs:
        x, y = blocks[pair.operand], blocks[pair.result]
        saved[y.first] = x.nbytes + y.nbytes - min(pair.joint_bytes, x.nbytes + y.nbytes)
    return saved


def _lower_bound(blocks: Sequence[_Block], pairs: Iterable[_Pair]) -> tuple[int, int]:
    """(bytes live at the busiest call, that call)."""
    saved = _saved_bytes(blocks, pairs)
    born: dict[int, int] = {}
    gone: dict[int, int] = {}
    for b in blocks:
        born[b.first] = born.get(b.first, 0) + b.nbytes
        gone[b.last] = gone.get(b.last, 0) + b.nbytes
    busiest, most, now = 0, 0, 0
    for t in sorted(born | gone):
        now += born.get(t, 0)
        if now - saved.get(t, 0) > most:
            busiest, most = t, now - saved.get(t, 0)
        now -= gone.get(t, 0)
    return most, busiest


@dataclass(frozen=True, eq=False)
class _Neighbours:
    """The blocks that one block meets.

    Attributes:
        rows: of each its index, and the offsets, relative to its own, strictly between which the block must not lie.
        columns: the same as three arrays, in the place of rows where there are MANY blocks.
    """

    rows: list[tuple[int, int, int]]
    columns: tuple[np.ndarray, np.ndarray, np.ndarray] | None

    def lowest_free(self, offsets: Sequence[int] | np.ndarray, unit: int) -> int:
        """The lowest multiple of `unit` that those of them leave free that are placed already (not at −1)."""
        if self.columns is not None:
            return self._lowest_free_of_many(offsets, unit)
        start = 0
        for low, high in sorted((offsets[j] + low, offsets[j] + high) for j, low, high in self.rows if offsets[j] >= 0):
            if low < start < high:
                start = _align(high, unit)
        return start

    def _lowest_free_of_many(self, offsets: np.ndarray, unit: int) -> int:
        index, low, high = self.columns
        at = offsets[index]
        placed = at >= 0
        low, high = (at + low)[placed], (at + high)[placed]
        order = np.argsort(low, kind="stable")
        # where the search stands before each of them, and at last
        starts = np.maximum.accumulate(np.concatenate([[0], -(-high[order] // unit) * unit]))
        stops = np.append(low[order] >= starts[:-1], True)
        return int(starts[np.argmax(stops)])


def _neighbours(blocks: Sequence[_Block], pairs: Iterable[_Pair]) -> list[_Neighbours]:
    """Of each block those that it meets."""
    special: dict[int, dict[int, tuple[int, int]]] = {}
    for p in pairs:
        x, y = blocks[p.operand].nbytes, blocks[p.result].nbytes
        low, high = max(-y, -p.forwards), min(x, p.backwards)
        special.setdefault(p.result, {})[p.operand] = (low, high)
        special.setdefault(p.operand, {})[p.result] = (-high, -low)
    first, last, nbytes = (np.array([getattr(b, field) for b in blocks]) for field in ("first", "last", "nbytes"))
    found = []
    for i, block in enumerate(blocks):
        meets = (first <= block.last) & (last >= block.first)
        meets[i] = False
        index = np.flatnonzero(meets)
        lows, highs = np.full(len(index), -block.nbytes), nbytes[index]
        for other, (low, high) in special.get(i, {}).items():
            lows[index == other], highs[index == other] = low, high
        columns = (index, lows, highs)
        if len(blocks) < MANY:
            found.append(_Neighbours(list(zip(*(c.tolist() for c in columns), strict=True)), None))
        else:
            found.append(_Neighbours([], columns))
    return found


def _place(order: Sequence[int], blocks: Sequence[_Block], neighbours: Sequence[_Neighbours]) -> tuple[list[int], int]:
    """First fit: each block goes to the lowest offset that the already placed blocks it meets leave free."""
    offsets: list[int] | np.ndarray = [-1] * len(blocks) if len(blocks) < MANY else np.full(len(blocks), -1)
    total = 0
    for i in order:
        start = neighbours[i].lowest_free(offsets, blocks[i].unit)
        offsets[i] = start
        total = max(total, start + blocks[i].nbytes)
    return list(map(int, offsets)), total


def _best_placement(blocks: Sequence[_Block], pairs: Sequence[_Pair]) -> tuple[list[int], int]:
    """(offset of each block, bytes): the smallest of several orders of first fit, then of seeded random exchanges;
    stops at the lower bound."""
    bound, _ = _lower_bound(blocks, pairs)
    neighbours = _neighbours(blocks, pairs)
    results = {pair.result for pair in pairs}

    def ranked(key) -> list[int]:
        return sorted(range(len(blocks)), key=lambda i: (*key(blocks[i], i), blocks[i].members))

    orders = [
        ranked(lambda b, i: (-b.nbytes, b.first)),
        ranked(lambda b, i: (-(b.last - b.first + 1) * b.nbytes, b.first)),
        ranked(lambda b, i: (b.first, -b.nbytes)),
        # a result at the bottom leaves its operand the room above it
        ranked(lambda b, i: (i not in results, -b.nbytes, b.first)),
        ranked(lambda b, i: (-b.first, -b.nbytes)),
    ]
    tried = [(order, *_place(order, blocks, neighbours)) for order in orders]
    order, offsets, total = min(tried, key=lambda each: each[2])
    dice = random.Random(0)
    # few blocks have few orders: it is no use to try them again and again
    trials = min(EFFORT // len(blocks) ** 2, 10 * math.factorial(min(len(blocks), 12))) if len(blocks) > 1 else 0
    for _ in range(trials):
        if total <= bound:
            break
        trial = list(order)
        i, j = dice.randrange(len(trial)), dice.randrange(len(trial))
        trial.insert(j, trial.pop(i))
        trial_offsets, trial_total = _place(trial, blocks, neighbours)
        if trial_total <= total:
            order, offsets, total = trial, trial_offsets, trial_total
    return offsets, total
