"""Many compiled graphs in one host executable, each layer of which is run with everything else out of reach."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeq.api import Compiled
from edgeq.emit import emit, write_files
from edgeq.simulate import Memory, reset, trace
from edgeq.target import Board

OPTIONS = [
    "-std=gnu99", "-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
    "-Wall", "-Wextra", "-Wconversion", "-Werror",
]  # fmt: skip
DRIVER = Path(__file__).with_name("poisoned.c")
Span = tuple[int, int]


@dataclass(frozen=True)
class Results:
    """Of one vector: the results of every call, then the outputs, each as bytes."""

    layers: tuple[tuple[bytes, ...], ...]
    outputs: tuple[bytes, ...]


def executable(models: Sequence[Compiled], board: Board, folder: Path) -> Path:
    """Builds the driver with all models. Their names have to differ.

    Raises AssertionError with the compiler's output where something does not compile.
    """
    # the models' own files, and of the runtime what any of them needs
    files: dict[str, bytes] = {}
    for model in models:
        files |= emit(model.program, model.plan, board)
    write_files(files, folder)
    names = [model.program.name for model in models]
    write_driver(names, folder)
    sources = [DRIVER.name, *(f"model/{name}{part}.c" for name in names for part in ("", "_weights"))]
    for kind in ("runtime/kernels", "runtime/cmsis_nn/Source"):
        sources += [str(path.relative_to(folder)) for path in sorted((folder / kind).glob("*.c"))]
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        objects = list(workers.map(lambda source: compile_c(source, folder, OPTIONS), sources))
    gcc([*OPTIONS, *objects, "-o", "poisoned"], folder)
    return folder / "poisoned"


def write_driver(names: Sequence[str], folder: Path) -> None:
    """The driver's source, for models of those names in that order."""
    declarations = "\n".join(f"extern const edgeq_model {name}_model;" for name in names)
    table = ", ".join(f"&{name}_model" for name in names)
    (folder / "models.h").write_text(f"{declarations}\nstatic const edgeq_model *const models[] = {{{table}}};\n")
    (folder / DRIVER.name).write_bytes(DRIVER.read_bytes())


def compile_c(source: str, folder: Path, options: Sequence[str]) -> str:
    """The object of a project's source file; both paths count from the project's folder."""
    target = source.replace("/", "_").removesuffix(".c") + ".o"
    includes = ["-I.", "-Iruntime", "-Iruntime/include", "-Iruntime/cmsis_nn/Include"]
    gcc([*options, *includes, "-c", source, "-o", target], folder)
    return target


def gcc(arguments: Sequence[str], folder: Path) -> None:
    """Runs the host's compiler in a folder; raises AssertionError with what it complains about."""
    launcher = os.environ.get("CMAKE_C_COMPILER_LAUNCHER")
    command = [*([launcher] if launcher else []), "gcc", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def run(program: Path, models: Sequence[Compiled], inputs: Sequence[Sequence[np.ndarray]]) -> Iterator[list[Results]]:
    """What each model computes of its vectors, one after the other.

    Raises AssertionError with the sanitizer's report where a layer reads or writes what it must not.
    """
    orders = b"".join(orders_of(i, model, x) for i, (model, x) in enumerate(zip(models, inputs, strict=True)))
    environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run([str(program)], input=orders, capture_output=True, env=environment, check=False)
    assert result.returncode == 0, result.stderr.decode(errors="replace")[:4000]
    answer = memoryview(result.stdout)
    for model, x in zip(models, inputs, strict=True):
        found = []
        for _ in range(len(x[0])):
            layers = []
            for call in model.program.calls:
                assert bytes(answer[:4]) == bytes(4), f"{model.program.name}: {call.name} fails"
                values, answer = _values(model, call.outputs, answer[4:])
                layers.append(values)
            outputs, answer = _values(model, model.program.outputs, answer)
            found.append(Results(tuple(layers), outputs))
        yield found
    assert not answer


def _values(model: Compiled, names: Sequence[str], answer: memoryview) -> tuple[tuple[bytes, ...], memoryview]:
    values = []
    for name in names:
        nbytes = model.program.tensors[name].nbytes
        values.append(bytes(answer[:nbytes]))
        answer = answer[nbytes:]
    return tuple(values), answer


def simulated(model: Compiled, inputs: Sequence[np.ndarray]) -> list[Results]:
    """The same by the simulator; states go from one vector to the next."""
    program, found = model.program, []
    memory: Memory = reset(program)
    for vector in range(len(inputs[0])):
        x = [values[vector : vector + 1] for values in inputs]
        values = dict(zip(program.inputs, x, strict=True))
        layers = []
        for call, results in trace(program, x, memory):
            values.update(zip(map(program.storage, call.outputs), results, strict=True))
            layers.append(tuple(r.tobytes() for r in results))
        values.update(memory)
        outputs = tuple(values[program.storage(name)].tobytes() for name in program.outputs)
        found.append(Results(tuple(layers), outputs))
    return found


def orders_of(index: int, model: Compiled, inputs: Sequence[np.ndarray]) -> bytes:
    """What the driver is told to run all vectors through the model of that number."""
    program, plan = model.program, model.plan
    layers = b"".join(_spans(dead(model, i)) + _spans(forbidden(model, i)) for i in range(len(program.calls)))
    first = plan.places[program.inputs[0]].offset
    head = struct.pack("<4I", index, first, plan.total_bytes, len(inputs[0]))
    return head + b"".join(b"".join(x[v].tobytes() for x in inputs) + layers for v in range(len(inputs[0])))


def _spans(free: np.ndarray) -> bytes:
    """(offset, bytes) of every run of true bytes, after their number."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], free, [False]])))
    starts, ends = edges[::2], edges[1::2]
    pairs = [word for start, end in zip(starts, ends, strict=True) for word in (start, end - start)]
    return struct.pack(f"<{1 + len(pairs)}I", len(starts), *pairs)


def dead(model: Compiled, index: int) -> np.ndarray:
    """Bytes of the arena that hold nothing which is needed when that call starts."""
    free = np.ones(model.plan.total_bytes, bool)
    for place in model.plan.places.values():
        if place.first < index <= place.last:
            free[place.offset : place.offset + place.nbytes] = False
    return free


def forbidden(model: Compiled, index: int) -> np.ndarray:
    """Bytes of the arena that belong neither to the operands nor to the results nor to the scratch of that call."""
    free = np.ones(model.plan.total_bytes, bool)
    call = model.program.calls[index]
    for storage in {model.program.storage(name) for name in (*call.inputs, *call.outputs)} & set(model.plan.places):
        place = model.plan.places[storage]
        free[place.offset : place.offset + place.nbytes] = False
    if call.scratch_bytes:
        start = model.plan.scratch[call.name].offset
        free[start : start + call.scratch_bytes] = False
    return free
