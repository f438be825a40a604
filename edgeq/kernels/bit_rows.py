"""Images of signs as the kernels of edgeq_bit_rows.h hold them: each row a string of bits in whole words."""

from __future__ import annotations

from edgeq.ops.binary_conv_2d import BinaryConv2DParams
from edgeq.ops.spatial import covered, hangs_over


def are_in_place(p: BinaryConv2DParams) -> bool:
    """Whether the inputs of each row of a window follow each other, none of them beside the image."""
    return (p.kernel[1] == 1 or p.dilation[1] == 1) and not hangs_over(p)


def are_apart(p: BinaryConv2DParams) -> bool:
    """Whether windows share so little that each may as well become bits by itself."""
    return p.kernel[0] * p.kernel[1] <= 4 * p.stride[0] * p.stride[1]


def string_bytes(p: BinaryConv2DParams) -> int:
    """A string has what windows reach to the left of the image, in whole bytes, and to its right; and one word more."""
    in_c = p.input_shape[3]
    front = -(-p.pad[1] * in_c // 8) * 8
    right = covered(p.output_shape[1:3], p.kernel, p.stride, p.dilation)[1] - p.pad[1]
    return 4 * (-(-(front + right * in_c) // 32) + 1)


def image_bytes(p: BinaryConv2DParams) -> int:
    """The strings of those rows of an image that windows reach."""
    bottom = covered(p.output_shape[1:3], p.kernel, p.stride, p.dilation)[0] - p.pad[0]
    return max(0, min(bottom, p.input_shape[1])) * string_bytes(p)
