"""LAYER_NORMALIZATION by our own kernel."""

from edgeq.kernels import register
from edgeq.kernels.base import Kernel


@register
class LayerNormalizationS8(Kernel):
    name = "edgeq_layer_normalization_s8"
    ops = ("LAYER_NORMALIZATION",)
    template = "layer_normalization.c.j2"
    in_place = True


@register
class LayerNormalizationS16(LayerNormalizationS8):
    name = "edgeq_layer_normalization_s16"
    dtype = "int16"
