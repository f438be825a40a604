"""Kernels, one file each, found by importing every module of this package."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from edgeq.errors import QuantizationError
from edgeq.kernels.base import Kernel, KernelSetting, Optimize
from edgeq.target import Cpu

__all__ = [
    "Kernel",
    "KernelSetting",
    "Optimize",
    "choose_kernel",
    "fitting_kernels",
    "find_kernel",
    "known_kernels",
    "register",
]

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


def fitting_kernels(op: str, params: Any, cpu: Cpu, setting: KernelSetting = KernelSetting.AUTO) -> tuple[Kernel, ...]:
    """The kernels that run these parameters and that the setting allows, sorted by name. CMSIS_NN allows tuned ones
    where there are no others."""
    dtype, weight_type = getattr(params, "dtype", None), getattr(params, "weight_type", None)
    candidates = [
        k
        for k in known_kernels()
        if op in k.ops and dtype in (None, k.dtype) and (weight_type is None or weight_type in k.weight_types)
    ]
    fitting = tuple(k for k in candidates if k.supports(params, cpu))
    plain = tuple(k for k in fitting if not k.tuned)
    return plain if setting is KernelSetting.CMSIS_NN and plain else fitting


def choose_kernel(
    op: str,
    params: Any,
    cpu: Cpu,
    where: str,
    setting: KernelSetting = KernelSetting.AUTO,
    optimize: Optimize = Optimize.SPEED,
    sizes: tuple[int, int] = (0, 0),
) -> Kernel:
    """The kernel that runs these parameters; of equals, CMSIS-NN's functions (arm_…) come before our own.

    Args:
        optimize: RAM puts what a call needs before its cost, SIZE the bytes of code, which all calls of a kernel share.
        sizes: bytes of the first operand and of the result.

    Raises QuantizationError where none does.
    """
    fitting = fitting_kernels(op, params, cpu, setting)
    if not fitting:
        raise QuantizationError(f"no kernel runs this {op} on {cpu.name}", where=where)

    def rank(kernel: Kernel) -> tuple:
        needed = 0
        if optimize is Optimize.RAM:
            needed = kernel.overlap(params, cpu).joint_bytes(*sizes) + kernel.scratch_bytes(params, cpu)
        elif optimize is Optimize.SIZE:
            needed = kernel.code_bytes
        unwanted = setting is KernelSetting.TUNED and not kernel.tuned
        return unwanted, needed, kernel.cost(params, cpu), not kernel.name.startswith("arm_"), kernel.name

    return min(fitting, key=rank)


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
