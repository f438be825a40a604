"""CONV_2D of few channels with ternary and binary weights: windows are inputs of a dense layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from edgeq.kernels import register
from edgeq.kernels.conv_2d_narrow_dsp import copied_window_cost
from edgeq.kernels.fully_connected_narrow_dsp import dense_row_cost, dense_table, fits_dense_table
from edgeq.kernels.narrow_steps import BINARY, TERNARY, Narrow
from edgeq.kernels.walking import WindowByWindow
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.target import Cpu


class _ConvolveFew(WindowByWindow):
    """No groups. Worth it where windows serve few channels, so that widening them (`conv_2d_narrow_dsp`) does not pay.

    `packed` is `fully_connected_narrow_dsp.dense_table` of the filters.
    """

    ops = ("CONV_2D",)
    template = "conv_2d_few.c.j2"
    narrow: ClassVar[Narrow]

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return cpu.dsp and not cpu.mve and p.groups == 1 and fits_dense_table(p, _rows(p), self.narrow)

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        windows = int(np.prod(p.output_shape[:3]))
        copy = 120 if p.kernel[0] > 1 else 0
        return windows * (80 + copy + copied_window_cost(p) + dense_row_cost(*_rows(p).shape))

    def scratch_bytes(self, p: Conv2DParams, cpu: Cpu) -> int:
        """One window."""
        return _rows(p).shape[1]

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return {"packed": dense_table(p, _rows(p), self.narrow)}


@register
class ConvolveFewTernaryDspS8(_ConvolveFew):
    name = "edgeq_convolve_few_ternary_dsp_s8"
    weight_types = (TERNARY.weight_type,)
    narrow = TERNARY


@register
class ConvolveFewBinaryDspS8(_ConvolveFew):
    name = "edgeq_convolve_few_binary_dsp_s8"
    weight_types = (BINARY.weight_type,)
    narrow = BINARY


def _rows(p: Conv2DParams) -> np.ndarray:
    return p.weights.reshape(len(p.weights), -1)
