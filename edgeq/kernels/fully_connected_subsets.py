"""FULLY_CONNECTED with ternary and binary weights by our own kernel for cores without the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.subsets import GROUP, NARROW_TYPES, groups_of, subset_bytes, subset_cost, subset_table, sums_fit
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu


@register
class FullyConnectedSubsetsS8(Kernel):
    """Two rounds of requantization. `packed`, `narrow` and `kind` are those of `edgeq.kernels.subsets`."""

    name = "edgeq_fully_connected_subsets_s8"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_subsets.c.j2"
    weight_types = NARROW_TYPES

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return not cpu.dsp and not p.single_rounding and sums_fit(p, p.weights)

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        is_small, alone = cpu.arch == "armv6-m", p.batches == 1
        inputs = (37 if alone else 49) if is_small else (26 if alone else 34)
        around = 2 * (p.depth + 30) if p.depth % GROUP else 0
        return subset_cost(p, p.weights, p.batches, cpu, inputs, around)

    def scratch_bytes(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        """The tables and sums, and two rows of inputs where they are no whole groups."""
        groups = groups_of(p.weights)
        return subset_bytes(p.units, groups) + (2 * GROUP * groups if p.depth % GROUP else 0)

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return subset_table(p, p.weights, cpu)
