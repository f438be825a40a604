"""SVDF by CMSIS-NN where its 32-bit sums suffice, and by our own kernel with 64 bits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import cmsis_nn_scratch, register
from edgeq.kernels.base import Kernel
from edgeq.ops.svdf import SvdfParams
from edgeq.target import Cpu


class _CmsisNnSvdf(Kernel):
    ops = ("SVDF",)
    template = "svdf.c.j2"
    updates = ((1, 1),)

    def supports(self, p: SvdfParams, cpu: Cpu) -> bool:
        return not p.wide

    def scratch_bytes(self, p: SvdfParams, cpu: Cpu) -> int:
        """int32 sums of every filter, then of every unit, of every batch."""
        return 4 * p.batches * (p.filters + p.units)


@register
class SvdfS8(_CmsisNnSvdf):
    name = "arm_svdf_s8"

    def extras(self, p: SvdfParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        """On MVE `sums`: what the function wants in its first context's buffer, int32 (filters,); it only reads it."""
        if not cpu.mve:
            return {}
        return {"sums": frozen_array(cmsis_nn_scratch.fully_connected_sums(p.feature_weights, None, -p.input_zero))}


@register
class SvdfStateS16S8(_CmsisNnSvdf):
    name = "arm_svdf_state_s16_s8"
    dtype = "int16"


@register
class SvdfWide(Kernel):
    name = "edgeq_svdf_state_s16_s8"
    ops = ("SVDF",)
    template = "svdf_wide.c.j2"
    dtype = "int16"
    updates = ((1, 1),)

    def supports(self, p: SvdfParams, cpu: Cpu) -> bool:
        return bool(p.wide)
