"""Random one-operator graphs with input vectors, one module per operator, found by importing this package.

A module is called as its operator in lower case. It defines

    cases(rng) -> Iterator[Case]    endless and varied: the first few should already cover the operator's branches
    options(attrs)                  TFLite's options table of the operator's attrs

and uses the builders of `tests/ops/graphs.py`.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import zlib
from types import ModuleType

import numpy as np

from ..graphs import Case

_MODULES = {
    module.name.upper(): importlib.import_module(f"{__name__}.{module.name}")
    for module in pkgutil.iter_modules(__path__)
}


def covered_ops() -> tuple[str, ...]:
    """Operators that have cases, sorted."""
    return tuple(sorted(_MODULES))


def module_of(op: str) -> ModuleType:
    """The case module of an operator; raises KeyError where there is none."""
    return _MODULES[op]


def cases_of(op: str, seed: int, count: int) -> list[Case]:
    """The first `count` cases of an operator; equal arguments give equal cases."""
    rng = np.random.default_rng([seed, zlib.crc32(op.encode())])
    return list(itertools.islice(_MODULES[op].cases(rng), count))


def all_cases(seed: int, per_op: int) -> list[Case]:
    """Cases of every operator, in the order of their names."""
    return [case for op in covered_ops() for case in cases_of(op, seed, per_op)]
