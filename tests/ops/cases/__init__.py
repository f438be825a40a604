"""Random one-operator graphs with input vectors, one module per operator, found by importing this package.

A module is called as its operator in lower case. It defines

    cases(rng) -> Iterator[Case]    endless and varied: the first few should already cover the operator's branches
    options(attrs)                  TFLite's options table of the operator's attrs
    in_int16(case, rng)             optional: how a case becomes one of int16; else as in tests/ops/formats.py
    STATES                          optional: True where a file has variables for some operands and results
    TIE_UNIT                        optional: scales of the cases at ties are powers of two times this
    WITHOUT_REFERENCE               optional: formats that TFLite lacks; the simulator alone defines the results

An operator that TFLite does not have (`Op.own`) defines, in place of options,

    meaning(attrs, *operands) -> array    the real result of real operands (float64, vectors first), written on its own
    BOUND                                 how far results may be off, in steps; of several results a tuple, by type
    bounds(case) -> tuple                 optional: the same for each result of int16, arrays where elements differ
    LEAST                                 optional: how far some must be off at least, where 0.4 is not reached

or, where scales are results too, distances(case, results) -> numbers to hold against BOUND, in place of meaning,

and uses the builders of `tests/ops/graphs.py`.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import zlib
from types import ModuleType

import numpy as np

from edgeq.ir import DType
from edgeq.ops import find_op

from ..formats import (
    ARITHMETIC,
    NARROW,
    Finer,
    Format,
    as_integers,
    formats_of,
    in_blocks,
    in_int16,
    with_narrow_weights,
)
from ..graphs import Case
from ..ties import at_ties

#: Of so many cases the last one is at ties.
TIES_EVERY = 4
#: Operators without cases: what lowering makes of states.
NOT_NODES = {"ASSIGN_VARIABLE", "READ_VARIABLE"}

_MODULES = {
    module.name.upper(): importlib.import_module(f"{__name__}.{module.name}")
    for module in pkgutil.iter_modules(__path__)
}


def covered_ops() -> tuple[str, ...]:
    """Operators that have cases, sorted."""
    return tuple(sorted(_MODULES))


def own_formats() -> tuple[tuple[str, Format], ...]:
    """(operator, type of its activations) of those that edgeq alone has."""
    return tuple((op, dtype) for op, dtype in covered_formats() if find_op(op).own)


def module_of(op: str) -> ModuleType:
    """The case module of an operator; raises KeyError where there is none."""
    return _MODULES[op]


def covered_formats() -> tuple[tuple[str, Format], ...]:
    """(operator, type of its activations) of all that have cases."""
    return tuple((op, dtype) for op in covered_ops() for dtype in formats_of(op))


def compared_formats() -> tuple[tuple[str, Format], ...]:
    """Those of them that TFLite computes too."""
    return tuple(
        (op, dtype)
        for op, dtype in covered_formats()
        if not find_op(op).own
        and not isinstance(dtype, Finer)
        and dtype not in getattr(_MODULES[op], "WITHOUT_REFERENCE", ())
    )


def cases_of(op: str, seed: int, count: int, dtype: Format | None = None) -> list[Case]:
    """The first `count` cases of an operator in a format, by default its first; equal arguments give equal cases."""
    dtype = dtype or formats_of(op)[0]
    rng = np.random.default_rng([seed, zlib.crc32(op.encode())])
    ties = np.random.default_rng([seed, zlib.crc32(op.encode()), 2])
    made = itertools.islice(_MODULES[op].cases(rng), count)
    unit = getattr(_MODULES[op], "TIE_UNIT", 1.0)
    cases = [at_ties(case, ties, unit) if i % TIES_EVERY == TIES_EVERY - 1 else case for i, case in enumerate(made)]
    if dtype is formats_of(op)[0]:
        return cases
    wide = np.random.default_rng([seed, zlib.crc32(op.encode()), 16])
    if dtype in NARROW:
        return [with_narrow_weights(case, dtype, wide) for case in cases]
    if isinstance(dtype, Finer):
        return [in_blocks(case, wide, dtype) for case in cases]
    if dtype is not DType.INT16:
        return [as_integers(case, dtype, wide) for case in cases]
    widened = getattr(_MODULES[op], "in_int16", in_int16)
    return [widened(case, wide) for case in cases]


def all_cases(seed: int, per_op: int) -> list[Case]:
    """Cases of every operator in every format, in the order of their names, as many as `count_of` says."""
    return [case for op, dtype in covered_formats() for case in cases_of(op, seed, count_of(op, dtype, per_op), dtype)]


def count_of(op: str, dtype: Format, per_op: int) -> int:
    """Cases of a format where an operator has `per_op`: as many of its first one and of those with arithmetic, fewer of
    other plain integers, which differ in little more than their size."""
    return per_op if dtype in (*ARITHMETIC, formats_of(op)[0]) else max(1, per_op // 4)
