"""One executable with many models and all mutants of the runtime's C, and what each mutant does to each model."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeq.api import Compiled
from edgeq.emit import emit, write_files
from edgeq.target import Board

from ..random_graphs import poisoned
from .sites import FOLDERS, Site, mutate

HERE = Path(__file__).parent
# Broken C overflows and leaves its arrays: what comes of that need not be defined, but should be the same every time.
OPTIONS = ["-std=gnu99", "-O1", "-fwrapv", "-w", "-include", "mutants.h"]
SECONDS = 5  # of the processor: a mutant may never end


@dataclass(frozen=True)
class Mutants:
    """The executable, and the sites by the numbers under which they are broken."""

    program: Path
    sites: dict[int, Site]


def executable(models: Sequence[tuple[Compiled, Board]], folder: Path) -> Mutants:
    """Builds all models, whose names have to differ, with the mutated runtime."""
    files: dict[str, bytes] = {}
    for model, board in models:
        files |= emit(model.program, model.plan, board)
    write_files(files, folder)
    names = [model.program.name for model, _ in models]
    poisoned.write_driver(names, folder)
    units, stride, sites = _write_mutants(folder)
    for name in ("mutants.h", "mutants.c"):
        (folder / name).write_bytes((HERE / name).read_bytes())
    counts = [f"-DEDGEQ_SITES={stride}", f"-DEDGEQ_UNITS={len(units) + 1}"]
    others = ["mutants.c", poisoned.DRIVER.name, *(f"model/{n}{part}.c" for n in names for part in ("", "_weights"))]
    jobs = [(path, [*counts, f"-DEDGEQ_UNIT={i}"]) for i, path in enumerate(units)]
    jobs += [(path, [*counts, f"-DEDGEQ_UNIT={len(units)}"]) for path in others]
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        objects = list(workers.map(lambda job: poisoned.compile_c(job[0], folder, [*OPTIONS, *job[1]]), jobs))
    poisoned.gcc([*objects, "-o", "mutants"], folder)
    return Mutants(folder / "mutants", sites)


def _write_mutants(folder: Path) -> tuple[list[str], int, dict[int, Site]]:
    """Overwrites the runtime with its mutated copy. Returns its source files, the numbers that each has room for, and
    the sites by number."""
    shared: list[Site] = []
    own: dict[str, list[Site]] = {}
    paths = [path for kind in FOLDERS for path in sorted((folder / "runtime" / kind).glob("*.[ch]"))]
    headers, sources = ([p for p in paths if p.suffix == suffix] for suffix in (".h", ".c"))
    for path in (*headers, *sources):
        is_shared = path.suffix == ".h"
        text, found = mutate(path.name, path.read_text(), len(shared))
        path.write_text(text)
        if is_shared:
            shared += found
        else:
            own[str(path.relative_to(folder))] = found
    stride = len(shared) + max(map(len, own.values()))
    sites = {
        unit * stride + i: site for unit, found in enumerate(own.values()) for i, site in enumerate((*shared, *found))
    }
    return list(own), stride, sites


class Subject:
    """One model of the executable, with vectors.

    Attributes:
        asked: numbers of the sites that running it asks.
    """

    def __init__(self, mutants: Mutants, index: int, model: Compiled, inputs: Sequence[np.ndarray]) -> None:
        """Raises AssertionError where the C differs from the simulator even without a mutant."""
        self._program = mutants.program
        self._orders = poisoned.orders_of(index, model, inputs)
        asked = mutants.program.with_name(f"asked_{index}")
        status, self._right = self._run(EDGEQ_ASKED=str(asked))
        parts: list[bytes] = []
        for vector in poisoned.simulated(model, inputs):
            for results in vector.layers:
                parts += [bytes(4), *results]
            parts += vector.outputs
        assert status == 0 and self._right == b"".join(parts), f"{model.program.name}: C and simulator differ"
        self.asked = [int(i) for i in np.flatnonzero(np.frombuffer(asked.read_bytes(), np.uint8)) if i in mutants.sites]

    def notices(self, site: int) -> bool:
        """Whether the comparison of C and simulator fails when that site is broken: a result or a status differs, or
        the run ends otherwise."""
        return self._run(EDGEQ_MUTANT=str(site)) != (0, self._right)

    def _run(self, **environment: str) -> tuple[int, bytes]:
        result = subprocess.run(
            [self._program],
            input=self._orders,
            env=os.environ | environment,
            capture_output=True,
            preexec_fn=_limit,
            check=False,
        )
        return result.returncode, result.stdout


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
