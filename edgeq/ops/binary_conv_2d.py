"""BINARY_CONV_2D: a convolution of two-valued inputs with weights of −1 and 1. TFLite has no such operator."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.binary_inputs import BinaryInputs, TwoLevels
from edgeq.ops.conv_2d import Conv2D, Conv2DAttrs, Conv2DParams


@dataclass(frozen=True)
class BinaryConv2DAttrs(Conv2DAttrs):
    levels: TwoLevels = TwoLevels()


@dataclass(frozen=True, eq=False)
class BinaryConv2DParams(Conv2DParams):
    """As a convolution's, of inputs that are −1 or 1: input_offset is 0 or 1. threshold: the least int8 that is 1."""

    threshold: int = 0


@register
class BinaryConv2D(BinaryInputs, Conv2D):
    """out[n,y,x,o] = clamp(requantize(Σ w·(b + input_offset) + bias) + output_offset), b = 1 where in ≥ threshold, −1
    elsewhere; without groups."""

    name = "BINARY_CONV_2D"
    Attrs = BinaryConv2DAttrs
    Params = BinaryConv2DParams

    def infer(
        self, attrs: BinaryConv2DAttrs, x: Tensor, w: Tensor, b: Tensor | None = None
    ) -> tuple[tuple[int, ...], ...]:
        shapes = super().infer(attrs, x, w, b)
        require(w.shape[3] == x.shape[3], "binary inputs of grouped convolutions are not supported")
        return shapes
