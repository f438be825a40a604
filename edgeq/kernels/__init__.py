"""Kernels, one file each, found by importing every module of this package."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from edgeq.errors import QuantizationError
from edgeq.kernels.base import Kernel, KernelSetting
from edgeq.target import Cpu

__all__ = ["Kernel", "KernelSetting", "choose_kernel", "find_kernel", "known_kernels", "register"]

_REGISTRY: dict[str, Kernel] = {}


def register(cls: type[Kernel]) -> type[Kernel]:
    """Class decorator: makes the kernel known under its `name`."""
    if cls.name in _REGISTRY:
        raise ValueError(f"kernel {cls.name} is defined twice")
    _REGISTRY[cls.name] = cls()
    return cls


def find_kernel(name: str) -> Kernel:
    """The kernel of that name; raises KeyError for an unknown one."""
    return _REGISTRY[name]


def known_kernels() -> tuple[Kernel, ...]:
    """All kernels, sorted by name."""
    return tuple(_REGISTRY[name] for name in sorted(_REGISTRY))


def choose_kernel(op: str, params: Any, cpu: Cpu, where: str, setting: KernelSetting = KernelSetting.AUTO) -> Kernel:
    """The kernel that runs these parameters; of equals, CMSIS-NN's functions (arm_…) come before our own.

    Raises QuantizationError where none does.
    """
    dtype = getattr(params, "dtype", None)
    candidates = [k for k in known_kernels() if op in k.ops and dtype in (None, k.dtype)]
    fitting = [k for k in candidates if k.supports(params, cpu)]
    if setting is KernelSetting.CMSIS_NN:
        fitting = [k for k in fitting if not k.tuned]
    if not fitting:
        raise QuantizationError(f"no kernel runs this {op} on {cpu.name}", where=where)

    def rank(kernel: Kernel) -> tuple:
        first = kernel.cost(params, cpu) if setting is KernelSetting.AUTO else not kernel.tuned
        return first, not kernel.name.startswith("arm_"), kernel.name

    return min(fitting, key=rank)


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
