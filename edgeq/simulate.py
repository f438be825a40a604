"""Runs a Program in NumPy: the meaning that every rung of the ladder must equal.

Vectors are inferences one after the other; arrays carry them on a leading axis, (n, *tensor.shape). Where the program
has states, each finds what the one before it has left, the first one the reset values.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from edgeq.errors import EdgeqError
from edgeq.memory import MemoryPlan
from edgeq.ops import find_op
from edgeq.program import KernelCall, Program, ProgramTensor

# Vectors are simulated in slices whose widest tensor stays below this many elements: bounded memory, warm caches.
SLICE_ELEMENTS = 1 << 20


def check_inputs(program: Program, inputs: Sequence[np.ndarray]) -> int:
    """Raises EdgeqError unless `inputs` fit the program; returns the number of vectors."""
    if len(inputs) != len(program.inputs):
        raise EdgeqError(f"the program has {len(program.inputs)} inputs, {len(inputs)} were given", where=program.name)
    counts = set()
    for name, array in zip(program.inputs, inputs, strict=True):
        tensor = program.tensors[name]
        if array.shape[1:] != tensor.shape or array.dtype != tensor.dtype.numpy:
            raise EdgeqError(
                f"input {name!r} takes {tensor.dtype.value}[n, {', '.join(map(str, tensor.shape))}], "
                f"got {array.dtype}{list(array.shape)}",
                where=program.name,
            )
        counts.add(array.shape[0])
    if len(counts) != 1:
        raise EdgeqError(f"the inputs hold different numbers of vectors: {sorted(counts)}", where=program.name)
    return counts.pop()


def _operand(tensor: ProgramTensor, values: dict[str, np.ndarray], program: Program) -> np.ndarray:
    if tensor.data is not None:
        return tensor.data[np.newaxis]
    array = values[program.storage(tensor.name)]
    return array.reshape(array.shape[:1] + tensor.shape)


def run_call(program: Program, call: KernelCall, values: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """The results of one call, given the values of its operands by storage name."""
    operands = [_operand(program.tensors[name], values, program) for name in call.inputs]
    return find_op(call.op).simulate(call.params, *operands)


#: What the states hold between two inferences, by name: (1, *shape).
Memory = dict[str, np.ndarray]


def reset(program: Program) -> Memory:
    """What the program's states hold after a reset."""
    return {state.name: state.initial[np.newaxis] for state in program.states}


def trace(
    program: Program, inputs: Sequence[np.ndarray], memory: Memory | None = None
) -> Iterator[tuple[KernelCall, tuple[np.ndarray, ...]]]:
    """Every call with its results, in order; all vectors at once, but a single one where the program has states.

    Args:
        memory: what the states hold before; the calls change it. Reset values where None.
    """
    memory = reset(program) if memory is None else memory
    if check_inputs(program, inputs) != 1 and program.states:
        raise EdgeqError("a program with states is traced one vector at a time", where=program.name)
    values = {**dict(zip(program.inputs, inputs, strict=True)), **memory}
    for call in program.calls:
        results = run_call(program, call, values)
        _keep(program, call, results, values)
        memory.update((name, values[name]) for name in memory)
        yield call, results


def _keep(program: Program, call: KernelCall, results: tuple[np.ndarray, ...], values: dict[str, np.ndarray]) -> None:
    values.update(zip(map(program.storage, call.outputs), results, strict=True))


def simulate(program: Program, inputs: Sequence[np.ndarray], *, states: bool = False) -> tuple[np.ndarray, ...]:
    """The program's outputs for n vectors.

    Args:
        inputs: one integer array (n, *shape) per program input.
        states: whether what each state holds after each vector follows the outputs.

    Returns: one integer array (n, *shape) per program output.

    Raises:
        EdgeqError: an input of the wrong shape or type.
    """
    count = check_inputs(program, inputs)
    if program.states:
        return _simulate_sequence(program, inputs, count, states)
    widest = max(t.size for t in program.tensors.values())
    step = max(1, SLICE_ELEMENTS // max(1, widest))
    starts = range(0, max(count, 1), step)
    # Slices run side by side, each on one core: matrix products this small gain nothing from threads of their own.
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as workers:
        slices = list(workers.map(lambda i: _simulate_slice(program, [x[i : i + step] for x in inputs]), starts))
    return tuple(np.concatenate(parts) for parts in zip(*slices, strict=True))


def _simulate_sequence(
    program: Program, inputs: Sequence[np.ndarray], count: int, states: bool
) -> tuple[np.ndarray, ...]:
    memory = reset(program)
    shown = (*program.outputs, *(state.name for state in program.states if states))
    outputs: list[list[np.ndarray]] = [[] for _ in shown]
    for vector in range(count):
        single = [x[vector : vector + 1] for x in inputs]
        values = {**dict(zip(program.inputs, single, strict=True)), **memory}
        for call in program.calls:
            _keep(program, call, run_call(program, call, values), values)
        memory = {name: values[name] for name in memory}
        for name, found in zip(shown, outputs, strict=True):
            found.append(_operand(program.tensors[name], values, program))
    tensors = [program.tensors[name] for name in shown]
    empty = [np.empty((0, *t.shape), t.dtype.numpy) for t in tensors]
    return tuple(np.concatenate([none, *found]) for none, found in zip(empty, outputs, strict=True))


def _last_reads(program: Program) -> dict[str, int]:
    last = {program.storage(name): len(program.calls) for name in program.outputs}
    for index, call in enumerate(program.calls):
        for name in call.inputs:
            storage = program.storage(name)
            last[storage] = max(last.get(storage, index), index)
    return last


def _simulate_slice(program: Program, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    values = dict(zip(program.inputs, inputs, strict=True))
    last = _last_reads(program)
    for index, call in enumerate(program.calls):
        _keep(program, call, run_call(program, call, values), values)
        for name in [n for n in values if last.get(n, -1) <= index]:
            del values[name]
    return tuple(_operand(program.tensors[name], values, program) for name in program.outputs)


def trace_in_arena(
    program: Program,
    plan: MemoryPlan,
    inputs: Sequence[np.ndarray],
    poison: int = 0xA5,
    memory: Memory | None = None,
) -> Iterator[tuple[KernelCall, tuple[np.ndarray, ...]]]:
    """As `trace`, for one vector, with every tensor living in the planned arena.

    Before each call all memory that the plan calls dead, the call's scratch included, is overwritten with `poison`:
    a plan that lets live tensors overlap gives other results than `trace`. `memory` is as there.
    """
    if check_inputs(program, inputs) != 1:
        raise EdgeqError("the arena holds one vector at a time")
    arena = np.full(plan.total_bytes, poison, np.uint8)

    def view(storage: str) -> np.ndarray:
        tensor = program.tensors[storage]
        place = plan.places[storage]
        return arena[place.offset : place.offset + tensor.nbytes]

    memory = reset(program) if memory is None else memory
    for name, array in (*zip(program.inputs, inputs, strict=True), *memory.items()):
        view(name)[:] = np.frombuffer(array.tobytes(), np.uint8)

    def value(storage: str) -> np.ndarray:
        tensor = program.tensors[storage]
        return np.frombuffer(view(storage).tobytes(), tensor.dtype.numpy).reshape((1,) + tensor.shape)

    for index, call in enumerate(program.calls):
        live = np.zeros(plan.total_bytes, bool)
        for place in plan.places.values():
            if place.first < index <= place.last:
                live[place.offset : place.offset + place.nbytes] = True
        arena[~live] = poison
        operands = {}
        for name in call.inputs:
            storage = program.storage(name)
            if program.tensors[storage].data is None:
                operands[storage] = value(storage)
        results = run_call(program, call, operands)
        for name, result in zip(call.outputs, results, strict=True):
            view(program.storage(name))[:] = np.frombuffer(np.ascontiguousarray(result).tobytes(), np.uint8)
        memory.update((name, value(name)) for name in memory)
        yield call, results
