"""UNIDIRECTIONAL_SEQUENCE_LSTM by our own kernels, and by CMSIS-NN where its arithmetic is asked for."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.unidirectional_sequence_lstm import LstmParams
from edgeq.target import Cpu


class _Lstm(Kernel):
    ops = ("UNIDIRECTIONAL_SEQUENCE_LSTM",)
    template = "lstm.c.j2"
    updates = ((1, 1), (2, 2))

    def scratch_bytes(self, p: LstmParams, cpu: Cpu) -> int:
        """Two gates of one batch, int16."""
        return 2 * 2 * p.units


@register
class LstmS8(_Lstm):
    name = "edgeq_lstm_s8"


@register
class LstmS16(_Lstm):
    name = "edgeq_lstm_s16"
    dtype = "int16"


class _LstmUnidirectional(Kernel):
    ops = ("UNIDIRECTIONAL_SEQUENCE_LSTM",)
    template = "lstm_cmsis_nn.c.j2"
    updates = ((1, 1), (2, 2))

    def supports(self, p: LstmParams, cpu: Cpu) -> bool:
        return bool(p.tables and p.sequences)

    def scratch_bytes(self, p: LstmParams, cpu: Cpu) -> int:
        """Two gates of all batches, int16."""
        return 2 * 2 * p.units * p.batches


@register
class LstmUnidirectionalS8(_LstmUnidirectional):
    name = "arm_lstm_unidirectional_s8"


@register
class LstmUnidirectionalS16(_LstmUnidirectional):
    name = "arm_lstm_unidirectional_s16"
    dtype = "int16"
