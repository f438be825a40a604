"""Operators, one file each, found by importing every module of this package: nothing lists them."""

from __future__ import annotations

import importlib
import pkgutil

from edgeq.ops.base import (
    Activation,
    Carried,
    Lowered,
    Op,
    OutputRule,
    Product,
    QuantRule,
    SymmetricConstant,
    infer_results,
)

__all__ = [
    "Activation",
    "Carried",
    "Lowered",
    "Op",
    "OutputRule",
    "Product",
    "QuantRule",
    "SymmetricConstant",
    "find_op",
    "infer_results",
    "known_ops",
    "ops_with",
    "params_type",
    "register",
]

_REGISTRY: dict[str, Op] = {}


def register(cls: type[Op]) -> type[Op]:
    """Class decorator: makes the operator known under its `name`."""
    if cls.name in _REGISTRY:
        raise ValueError(f"operator {cls.name} is defined twice")
    _REGISTRY[cls.name] = cls()
    return cls


def find_op(name: str) -> Op | None:
    """The operator of that TFLite builtin name, or None."""
    return _REGISTRY.get(name)


def known_ops() -> tuple[str, ...]:
    """Names of all operators, sorted."""
    return tuple(sorted(_REGISTRY))


def params_type(name: str, form: str) -> type:
    """The parameter dataclass of that name, one of an operator's own; raises KeyError for an unknown one."""
    return {each.__name__: each for each in _REGISTRY[name].params_types()}[form]


def ops_with(params: type) -> tuple[str, ...]:
    """Names of the operators that have such parameters, sorted."""
    return tuple(name for name in known_ops() if params in _REGISTRY[name].params_types())


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
