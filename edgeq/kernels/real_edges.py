"""Float inputs and outputs, by our own kernels."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.real_edges import FromRealParams, ToRealParams
from edgeq.target import Cpu


class _FromReal(Kernel):
    """In soft float a division and a handful of comparisons for each element."""

    ops = ("QUANTIZE",)
    template = "from_real.c.j2"
    integer_type: str

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, FromRealParams) and p.integer_type == self.integer_type


class _ToReal(Kernel):
    ops = ("DEQUANTIZE",)
    template = "to_real.c.j2"
    integer_type: str

    def supports(self, p: ToRealParams, cpu: Cpu) -> bool:
        return p.integer_type == self.integer_type


@register
class QuantizeF32S8(_FromReal):
    name = "edgeq_quantize_f32_s8"
    integer_type = "int8"


@register
class QuantizeF32S16(_FromReal):
    name = "edgeq_quantize_f32_s16"
    integer_type = "int16"


@register
class DequantizeS8F32(_ToReal):
    name = "edgeq_dequantize_s8_f32"
    integer_type = "int8"


@register
class DequantizeS16F32(_ToReal):
    name = "edgeq_dequantize_s16_f32"
    integer_type = "int16"
