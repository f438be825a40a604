"""What a kernel is: one way to run an operator on a core."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from edgeq.program import Overlap
from edgeq.target import Cpu


class KernelSetting(enum.Enum):
    """Which kernels a build may choose from: CMSIS-NN's functions before ours, our tuned ones before CMSIS-NN's, or for
    every layer the one with the lowest cost."""

    AUTO = "auto"
    CMSIS_NN = "cmsis-nn"
    TUNED = "tuned"


class Optimize(enum.Enum):
    """What a build is to be good at: few instructions, small code, or a small arena where kernels differ in it."""

    SPEED = "speed"
    SIZE = "size"
    RAM = "ram"


class Kernel:
    """One C function that runs an operator; stateless, registered by `edgeq.kernels.register`.

    Attributes:
        name: the C function that the layer calls.
        ops: the operators it runs; they share one parameter dataclass.
        template: file below templates/ops/ that emits the call.
        dtype: the type of activations, for operators whose parameters name one.
        weight_types: the types of weights, for operators whose parameters name one.
        in_place: the result may be written over an operand that has the same number of bytes.
        updates: (operand, result) of the call, by number, where the kernel writes the result over the operand: they
            always share their memory. Calls without that operand have the result alone.
        code_bytes: of the function and what it calls, measured on a Cortex-M4 (M55, M3 where it runs on no M4) as
            --optimize size compiles it; of functions of CMSIS-NN those of Arm's library, of which ours is a part. 0
            where there is nothing to compare with.
        tuned: it stands in for a function that CMSIS-NN has, because it is faster on some cores.
    """

    name: ClassVar[str]
    ops: ClassVar[tuple[str, ...]]
    template: ClassVar[str]
    dtype: ClassVar[str] = "int8"
    weight_types: ClassVar[tuple[str, ...]] = ("int8",)
    in_place: ClassVar[bool] = False
    updates: ClassVar[tuple[tuple[int, int], ...]] = ()
    code_bytes: ClassVar[int] = 0
    tuned: ClassVar[bool] = False

    def supports(self, p: Any, cpu: Cpu) -> bool:
        """Whether the kernel can run these parameters on this core."""
        return True

    def cost(self, p: Any, cpu: Cpu) -> int:
        """Estimated instructions of one call, 0 where there is nothing to compare with. Coefficients come from counts
        in QEMU (`edgeq profile`); those of CMSIS-NN are of Arm's library, our portable one is slower."""
        return 0

    def scratch_bytes(self, p: Any, cpu: Cpu) -> int:
        """Working memory that the call needs."""
        return 0

    def overlap(self, p: Any, cpu: Cpu) -> Overlap:
        """Where the result may lie over what the call consumes."""
        return Overlap(in_place=self.in_place)

    def extras(self, p: Any, cpu: Cpu) -> Mapping[str, np.ndarray]:
        """Constants prepared for this kernel beyond the operator's own parameters, by name."""
        return {}

    def small_extras(self, p: Any, cpu: Cpu) -> Mapping[str, np.ndarray]:
        """The same for code that is to be small: kernels have no short cuts there (EDGEQ_HAS_SHORT_CUTS)."""
        return self.extras(p, cpu)


def cmsis_nn_cost(with_dsp: int, cpu: Cpu) -> int:
    """Instructions of one of CMSIS-NN's functions on a core, from those that it takes with the DSP extension: half as
    many more on ARMv7-M, three times as many on ARMv6-M, as counted for whole models."""
    if cpu.dsp:
        return with_dsp
    return 3 * with_dsp if cpu.arch == "armv6-m" else 3 * with_dsp // 2
