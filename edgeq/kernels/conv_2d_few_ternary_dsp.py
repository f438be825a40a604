"""CONV_2D of few channels with ternary weights: windows are inputs of a dense layer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import DType
from edgeq.kernels import register
from edgeq.kernels.conv_2d_ternary_dsp import copied_window_cost
from edgeq.kernels.fully_connected_ternary_dsp import fits_ternary_table, ternary_row_cost, ternary_table
from edgeq.kernels.walking import WindowByWindow
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.target import Cpu


@register
class ConvolveFewTernaryDspS8(WindowByWindow):
    """No groups. Worth it where windows serve few channels, so that widening them (`conv_2d_ternary_dsp`) does not pay.

    `packed` is `fully_connected_ternary_dsp.ternary_table` of the filters.
    """

    name = "edgeq_convolve_few_ternary_dsp_s8"
    ops = ("CONV_2D",)
    template = "conv_2d_few_ternary.c.j2"
    weight_types = (DType.TERNARY.value,)

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return cpu.dsp and not cpu.mve and p.groups == 1 and fits_ternary_table(p, _rows(p))

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        windows = int(np.prod(p.output_shape[:3]))
        return windows * (80 + copied_window_cost(p) + ternary_row_cost(*_rows(p).shape))

    def scratch_bytes(self, p: Conv2DParams, cpu: Cpu) -> int:
        """One window."""
        return _rows(p).shape[1]

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return {"packed": ternary_table(p, _rows(p))}


def _rows(p: Conv2DParams) -> np.ndarray:
    return p.weights.reshape(len(p.weights), -1)
