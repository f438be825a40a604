"""Blocks whose scales are found at run time, by our own kernels."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.adaptive_quantize import AdaptiveQuantizeParams
from edgeq.ops.dynamic_dequantize import DynamicDequantizeParams
from edgeq.ops.dynamic_function import DynamicFunctionParams
from edgeq.ops.dynamic_weighted import DynamicWeightedParams
from edgeq.program import Overlap
from edgeq.target import Cpu


class _Weighted(Kernel):
    def scratch_bytes(self, p: DynamicWeightedParams, cpu: Cpu) -> int:
        """The bias at the run-time scale."""
        return 4 * p.bias.size


@register
class DynamicConvolve(_Weighted):
    name = "edgeq_dynamic_convolve_s8"
    ops = ("DYNAMIC_CONV_2D", "DYNAMIC_FULLY_CONNECTED")
    template = "dynamic_conv_2d.c.j2"


@register
class DynamicTransposeConv(_Weighted):
    name = "edgeq_dynamic_transpose_conv_s8"
    ops = ("DYNAMIC_TRANSPOSE_CONV",)
    template = "dynamic_conv_2d.c.j2"


@register
class DynamicDepthwiseConv(_Weighted):
    name = "edgeq_dynamic_depthwise_conv_s8"
    ops = ("DYNAMIC_DEPTHWISE_CONV_2D",)
    template = "dynamic_depthwise_conv_2d.c.j2"

    def scratch_bytes(self, p: DynamicWeightedParams, cpu: Cpu) -> int:
        """The bias at the run-time scale, and the sums of one pixel."""
        return 2 * super().scratch_bytes(p, cpu)


@register
class DynamicAdd(Kernel):
    name = "edgeq_dynamic_add_s8"
    ops = ("DYNAMIC_ADD", "DYNAMIC_SUB")
    template = "dynamic_pairwise.c.j2"


@register
class DynamicExtreme(Kernel):
    name = "edgeq_dynamic_extreme_s8"
    ops = ("DYNAMIC_MAXIMUM", "DYNAMIC_MINIMUM")
    template = "dynamic_pairwise.c.j2"


@register
class DynamicMul(Kernel):
    name = "edgeq_dynamic_mul_s8"
    ops = ("DYNAMIC_MUL",)
    template = "dynamic_pairwise.c.j2"


@register
class DynamicMean(Kernel):
    name = "edgeq_dynamic_mean_s8"
    ops = ("DYNAMIC_MEAN", "DYNAMIC_SUM")
    template = "dynamic_mean.c.j2"


@register
class DynamicBatchMatmul(Kernel):
    name = "edgeq_dynamic_batch_matmul_s8"
    ops = ("DYNAMIC_BATCH_MATMUL",)
    template = "dynamic_batch_matmul.c.j2"


@register
class DynamicFunction(Kernel):
    name = "edgeq_dynamic_function_s8"
    ops = ("DYNAMIC_FUNCTION",)
    template = "dynamic_function.c.j2"

    def scratch_bytes(self, p: DynamicFunctionParams, cpu: Cpu) -> int:
        """The values of all integers."""
        return 4 * 256


@register
class DynamicConcatenation(Kernel):
    name = "edgeq_dynamic_concatenation_s8"
    ops = ("DYNAMIC_CONCATENATION",)
    template = "dynamic_concatenation.c.j2"


@register
class DynamicQuantize(Kernel):
    name = "edgeq_dynamic_quantize_s32"
    ops = ("DYNAMIC_QUANTIZE",)
    template = "dynamic_quantize.c.j2"

    def overlap(self, p: object, cpu: Cpu) -> Overlap:
        """A byte of the block is written after its sum has been read, and no sum before it is read again."""
        return Overlap(forwards=0)


@register
class AdaptiveQuantize(Kernel):
    name = "edgeq_adaptive_quantize_s32"
    ops = ("ADAPTIVE_QUANTIZE",)
    template = "adaptive_quantize.c.j2"
    updates = ((2, 2),)

    def overlap(self, p: AdaptiveQuantizeParams, cpu: Cpu) -> Overlap:
        """As DYNAMIC_QUANTIZE's: where the range is looked for, nothing is written yet."""
        return Overlap(forwards=0)


class _Dequantize(Kernel):
    ops = ("DYNAMIC_DEQUANTIZE",)
    template = "dynamic_dequantize.c.j2"
    types: tuple[str, str]

    def supports(self, p: DynamicDequantizeParams, cpu: Cpu) -> bool:
        return (p.input_type, p.output_type) == self.types


@register
class DynamicDequantizeS8S16(_Dequantize):
    name = "edgeq_dynamic_dequantize_s8_s16"
    types = "int8", "int16"


@register
class DynamicDequantizeS8S32(_Dequantize):
    name = "edgeq_dynamic_dequantize_s8_s32"
    types = "int8", "int32"


@register
class DynamicDequantizeS32S16(_Dequantize):
    name = "edgeq_dynamic_dequantize_s32_s16"
    types = "int32", "int16"


@register
class DynamicDequantizeS32S32(_Dequantize):
    name = "edgeq_dynamic_dequantize_s32_s32"
    types = "int32", "int32"
    in_place = True
