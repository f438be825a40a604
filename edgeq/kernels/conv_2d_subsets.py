"""CONV_2D with ternary and binary weights by our own kernel for cores without the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.subsets import GROUP, NARROW_TYPES, groups_of, subset_bytes, subset_cost, subset_table, sums_fit
from edgeq.kernels.walking import backwards_distance, forwards_distance, pairs_leave_rows
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.ops.spatial import hangs_over
from edgeq.program import Overlap
from edgeq.target import Cpu


@register
class ConvolveSubsetsS8(Kernel):
    """No groups; two output pixels at a time. `packed`, `narrow` and `kind` are those of `edgeq.kernels.subsets`."""

    name = "edgeq_convolve_subsets_s8"
    ops = ("CONV_2D",)
    template = "conv_2d_subsets.c.j2"
    weight_types = NARROW_TYPES

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return not cpu.dsp and p.groups == 1 and sums_fit(p, _filters(p))

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        is_small = cpu.arch == "armv6-m"
        copied = hangs_over(p) or not _has_whole_rows(p)
        # copying is a third of an instruction for an input, but where rows are short
        around = (200 if is_small else 120) + p.kernel[0] * (90 if copied else 25)
        windows = int(np.prod(p.output_shape[:3]))
        return subset_cost(p, _filters(p), windows, cpu, 49 if is_small else 34, around)

    def scratch_bytes(self, p: Conv2DParams, cpu: Cpu) -> int:
        """The tables and sums, and two windows where any has to be copied first."""
        groups = groups_of(_filters(p))
        copies = 2 * GROUP * groups if _copies_some(p) else 0
        return subset_bytes(len(p.weights), groups) + copies

    def overlap(self, p: Conv2DParams, cpu: Cpu) -> Overlap:
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        return Overlap(forwards=forwards_distance(*walk, tile=0), backwards=backwards_distance(*walk, tile=0))

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return subset_table(p, _filters(p), cpu)


def _filters(p: Conv2DParams) -> np.ndarray:
    return p.weights.reshape(len(p.weights), -1)


def _copies_some(p: Conv2DParams) -> bool:
    """Whether windows are copied: all, those that hang over an edge, or two that lie in two rows."""
    return hangs_over(p) or not _has_whole_rows(p) or pairs_leave_rows(p)


def _has_whole_rows(p: Conv2DParams) -> bool:
    """Whether the rows of a window are whole groups of neighbours in the image."""
    _, _, width, channels = p.weights.shape
    return width * channels % GROUP == 0 and (width == 1 or p.dilation[1] == 1)
