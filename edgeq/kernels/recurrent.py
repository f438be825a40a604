"""GRU and SIMPLE_RNN by our own kernels."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.recurrent import RecurrentParams
from edgeq.target import Cpu


class _Recurrent(Kernel):
    ops = ("GRU", "SIMPLE_RNN")
    template = "recurrent.c.j2"
    updates = ((1, 1),)

    def scratch_bytes(self, p: RecurrentParams, cpu: Cpu) -> int:
        """The gates of one batch, from the input and from the hidden state, int16."""
        return 2 * 2 * p.gates * p.units


@register
class RecurrentS8(_Recurrent):
    name = "edgeq_recurrent_s8"


@register
class RecurrentS16(_Recurrent):
    name = "edgeq_recurrent_s16"
    dtype = "int16"
