"""Each operator's C is broken on purpose, and the comparison with the simulator has to notice.

The ordinary run breaks the kernels of some operators, chosen by their names; EDGEQ_MUTANTS=all, as in the long run,
those of all of them in every format.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import replace

import numpy as np
import pytest

from edgeq.api import Compiled
from edgeq.fixedpoint import Dialect
from edgeq.kernels import KernelSetting, Optimize, choose_kernel, find_kernel, known_kernels
from edgeq.lower import lower
from edgeq.memory import plan_memory
from edgeq.ops import find_op
from edgeq.target import Board, load_board

from ..ops.cases import cases_of, count_of, covered_formats
from ..ops.formats import Format
from ..ops.graphs import Case
from ..ops.test_firmware import merge
from ..tools import needs_host
from .harness import Mutants, Subject, executable
from .sites import Kind, Site

SEED = 2024
ALL = os.environ.get("EDGEQ_MUTANTS") == "all"
PER_OP = 24 if ALL else 12  # cases; the ordinary conformance test has 12 too
IN_ONE = 40  # subjects of one executable
SOME = 8
TRIED = 6  # sites of ordinary arithmetic that are broken in each subject, more where nothing is noticed
M4, M0, M55 = (load_board(name) for name in ("mps2-an386", "mps2-an385-m0", "mps3-an547"))
BUILDS: tuple[tuple[Board, Dialect, KernelSetting, Optimize], ...] = (
    (M4, Dialect.DOUBLE, KernelSetting.CMSIS_NN, Optimize.SPEED),
    (M4, Dialect.DOUBLE, KernelSetting.TUNED, Optimize.SPEED),
    (M4, Dialect.DOUBLE, KernelSetting.TUNED, Optimize.RAM),
    (M4, Dialect.LITERT, KernelSetting.CMSIS_NN, Optimize.SPEED),
    (M4, Dialect.MICRO, KernelSetting.CMSIS_NN, Optimize.SPEED),
    (M0, Dialect.DOUBLE, KernelSetting.TUNED, Optimize.SPEED),
    (M0, Dialect.DOUBLE, KernelSetting.TUNED, Optimize.RAM),
    (M55, Dialect.DOUBLE, KernelSetting.TUNED, Optimize.SPEED),
)
FORMATS = [(op, dtype) for op, dtype in covered_formats() if not find_op(op).alias]


def chosen() -> list[tuple[str, Format]]:
    """Operators and formats whose kernels are broken: some by their names alone, so that a new operator does not make
    all of them others."""
    if ALL:
        return FORMATS
    return sorted(FORMATS, key=lambda each: zlib.crc32(f"{each[0]} {each[1].value}".encode()))[:SOME]


def kernel_of(case: Case, build: int) -> str:
    (node,) = case.graph.nodes
    board, dialect, setting, optimize = BUILDS[build]
    params = find_op(node.op).lower(node, case.graph, dialect).params
    return choose_kernel(node.op, params, board.soc.cpu, str(case), setting, optimize).name


def by_kernel(op: str, dtype: Format) -> dict[str, tuple[int, list[Case]]]:
    """kernel → (the first build that chooses it, the cases that it runs there)."""
    found: dict[str, tuple[int, list[Case]]] = {}
    cases = cases_of(op, SEED, count_of(op, dtype, PER_OP), dtype)
    for build in range(len(BUILDS)):
        for case in cases:
            kernel = kernel_of(case, build)
            first, own = found.setdefault(kernel, (build, []))
            if first == build:
                own.append(case)
    return found


def subjects() -> list[tuple[str, str, int, list[Case]]]:
    """(name, kernel, build, cases), one for every kernel of an operator in a format."""
    return [
        (f"{op} {dtype.value}", kernel, build, cases)
        for op, dtype in chosen()
        for kernel, (build, cases) in by_kernel(op, dtype).items()
    ]


def compiled(cases: list[Case], build: int, name: str) -> tuple[Compiled, tuple[np.ndarray, ...]]:
    board, dialect, setting, optimize = BUILDS[build]
    graph, inputs = merge(cases)
    program = lower(replace(graph, name=name), board.soc.cpu, dialect, setting, optimize)
    return Compiled(graph, program, plan_memory(program), ()), inputs


def noticed_sites(mutants: Mutants, subject: Subject, rng: np.random.Generator) -> dict[Site, bool]:
    """Of the sites that were broken whether it was noticed: all of rounding, some of ordinary arithmetic."""
    noticed: dict[Site, bool] = {}
    asked = [mutants.sites[i] for i in subject.asked]
    numbers = dict(zip(asked, subject.asked, strict=True))
    arithmetic = [site for site in asked if site.kind is Kind.ARITHMETIC]
    for site in (site for site in asked if site.kind is Kind.ROUNDING):
        noticed[site] = subject.notices(numbers[site])
    for tried, at in enumerate(rng.permutation(len(arithmetic))):
        if tried >= TRIED and any(noticed.values()):
            break  # what moves numbers has many sites that make no difference, checks of arguments
        noticed[arithmetic[at]] = subject.notices(numbers[arithmetic[at]])
    return noticed


@needs_host
def test_every_broken_kernel_is_noticed(tmp_path, record_property) -> None:
    every = subjects()
    rng = np.random.default_rng(SEED)
    unnoticed: list[str] = []
    rounding: dict[Site, list[bool]] = {}
    for start in range(0, len(every), IN_ONE):
        some = every[start : start + IN_ONE]
        models = [compiled(cases, build, f"model_{i}") for i, (_, _, build, cases) in enumerate(some)]
        boards = [BUILDS[build][0] for _, _, build, _ in some]
        folder = tmp_path / str(start)
        folder.mkdir()
        mutants = executable([(model, board) for (model, _), board in zip(models, boards, strict=True)], folder)
        for i, ((name, kernel, _, _), (model, inputs)) in enumerate(zip(some, models, strict=True)):
            subject = Subject(mutants, i, model, inputs)
            noticed = noticed_sites(mutants, subject, rng)
            for site, found in noticed.items():
                if site.kind is Kind.ROUNDING:
                    rounding.setdefault(site, []).append(found)
            if noticed and not any(noticed.values()):
                unnoticed.append(f"{name}, {kernel}")
    never = [str(site) for site, found in rounding.items() if not any(found)]
    record_property("subjects", len(every))
    record_property("rounding", {str(site): f"{sum(found)} of {len(found)}" for site, found in rounding.items()})
    assert not unnoticed
    # not every operator shows it: of what is computed in 32 bits, int8 has the highest eight
    assert not ALL or not never, never


@pytest.mark.skipif(not ALL, reason="EDGEQ_MUTANTS=all breaks every kernel")
def test_every_kernel_is_broken_once() -> None:
    broken = {kernel for _, kernel, _, _ in subjects()}
    # what only reads and assigns states is broken as what it copies with
    unused = {kernel.name for kernel in known_kernels()} - broken
    assert all(not find_kernel(name).tuned for name in unused) and unused <= {"arm_convolve_s8"}, unused
