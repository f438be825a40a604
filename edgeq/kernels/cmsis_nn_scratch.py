"""Scratch bytes that the CMSIS-NN library (v7) demands of its callers, by core, and the calls it gets wrong.

Pure functions of shapes. They hold for GCC builds: Arm's compiler takes other paths in 1×1 convolutions and in
one-channel depthwise convolutions. `model_init()` asks the linked library itself, so a newer version that demands more
is an error, not a corrupted arena.

`cpu` is any object with boolean attributes `dsp` (the DSP extension) and `mve` (the vector extension); a core with MVE
counts as one with MVE whatever `dsp` says. Shapes are (n, h, w, c), pairs (h, w), results bytes.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

Shape4 = tuple[int, int, int, int]
Pair = tuple[int, int]

#: Channels that MVE's depthwise convolution gathers at a time (CH_IN_BLOCK_MVE).
_DEPTHWISE_BLOCK = 124


class Extensions(Protocol):
    """The instruction set extensions that CMSIS-NN chooses its code by."""

    @property
    def dsp(self) -> bool: ...

    @property
    def mve(self) -> bool: ...


def convolve_wrapper_s8(
    cpu: Extensions,
    input_shape: Shape4,
    filter_shape: Shape4,
    output_shape: Shape4,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> int:
    """Scratch of arm_convolve_wrapper_s8 (arm_convolve_wrapper_s8_get_buffer_size and the functions it calls).

    Args:
        filter_shape: (out_c, h, w, in_c / groups).
        padding: rows and columns before the image.
    """
    if is_1x1(input_shape, filter_shape, padding, dilation):
        return 0
    if cpu.mve and is_1_x_n(input_shape, filter_shape, stride, dilation):
        return _convolve_1_x_n_s8_mve(input_shape, filter_shape, output_shape, stride, padding)
    return convolve_s8(cpu, input_shape, filter_shape)


def convolve_s8(cpu: Extensions, input_shape: Shape4, filter_shape: Shape4) -> int:
    """Scratch of arm_convolve_s8 (arm_convolve_s8_get_buffer_size): columns of the input, of all groups together."""
    columns = filter_shape[1] * filter_shape[2] * input_shape[3]
    if cpu.mve:
        return 4 * round_up(columns, 16)  # four int8 columns of whole vectors
    return 2 * 2 * round_up(columns, 4)  # two int16 columns


def convolve_wrapper_s8_is_sound(
    cpu: Extensions,
    input_shape: Shape4,
    filter_shape: Shape4,
    output_shape: Shape4,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> bool:
    """Whether arm_convolve_wrapper_s8 computes this convolution correctly.

    Its kernel for one-row images on MVE (arm_convolve_1_x_n_s8) infers the padding after the last column from the
    shapes and takes the last outputs from a copy of the image's end. Where a stride leaves columns over, or the
    outputs at the right edge do not begin to hang over one column at a time, it fails or, worse, succeeds with wrong
    values (seen in QEMU). Other cores and shapes are fine.
    """
    if not cpu.mve or is_1x1(input_shape, filter_shape, padding, dilation):
        return True
    if not is_1_x_n(input_shape, filter_shape, stride, dilation):
        return True
    if padding[0] != 0 or output_shape[1] != 1:
        return False
    width, kernel, step, before, outputs = input_shape[2], filter_shape[2], stride[1], padding[1], output_shape[2]
    total, odd, left, inner, right = _split_1_x_n(width, kernel, step, before, outputs)
    if 2 * before + odd != total:
        return False  # ARM_CMSIS_NN_FAILURE
    if left + inner + right != outputs:
        return True  # arm_convolve_s8 does it
    if left > 0 and width < kernel:
        return False
    if inner > 0 and step * (left + inner - 1) - before + kernel > width:
        return False
    if right == 0:
        return True
    # The copy holds kernel - 1 columns of the image, then the padding.
    start = step * (left + inner) - before
    return start >= 0 and start + kernel - 1 == width and (right - 1) * step + 1 <= (right if odd else before)


def depthwise_conv_wrapper_s8(
    cpu: Extensions,
    input_shape: Shape4,
    filter_shape: Shape4,
    output_shape: Shape4,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> int:
    """Scratch of arm_depthwise_conv_wrapper_s8 (arm_depthwise_conv_wrapper_s8_get_buffer_size).

    Args:
        filter_shape: (1, h, w, out_c).
        padding: rows and columns before the image.
    """
    _, height, width, out_c = filter_shape
    if cpu.mve and input_shape[3] == 1 and output_shape[3] > 1:
        # arm_depthwise_conv_to_conv_s8: the filter transposed, behind the scratch of an ordinary convolution
        conv_filter = (out_c, height, width, filter_shape[0])
        conv = convolve_wrapper_s8(cpu, input_shape, conv_filter, output_shape, stride, padding, dilation)
        return conv + filter_shape[0] * height * width * out_c
    if input_shape[3] != output_shape[3] or input_shape[0] != 1 or dilation != (1, 1):
        return 0  # arm_depthwise_conv_s8
    if cpu.mve:
        return 4 * _DEPTHWISE_BLOCK * height * width  # arm_depthwise_conv_s8_opt_get_buffer_size_mve
    if (height, width) == (3, 3) and max(padding) <= 1:
        return 0  # arm_depthwise_conv_3x3_s8
    if cpu.dsp:
        return 2 * input_shape[3] * height * width  # arm_depthwise_conv_s8_opt_get_buffer_size_dsp
    return 0


def depthwise_conv_wrapper_s8_is_sound(
    cpu: Extensions,
    input_shape: Shape4,
    filter_shape: Shape4,
    output_shape: Shape4,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> bool:
    """Whether arm_depthwise_conv_wrapper_s8 computes this convolution correctly.

    arm_depthwise_conv_3x3_s8 (cores without MVE) takes the middle column of every window to lie on the image: two
    columns of padding after the last one give wrong values. TFLite's SAME never asks for that; an explicit padding
    may. On MVE, one input channel becomes an ordinary convolution, see `convolve_wrapper_s8_is_sound`.
    """
    _, height, width, out_c = filter_shape
    if cpu.mve:
        if input_shape[3] != 1 or output_shape[3] == 1:
            return True
        conv_filter = (out_c, height, width, filter_shape[0])
        return convolve_wrapper_s8_is_sound(cpu, input_shape, conv_filter, output_shape, stride, padding, dilation)
    if input_shape[3] != output_shape[3] or input_shape[0] != 1 or dilation != (1, 1):
        return True
    if (height, width) != (3, 3) or max(padding) > 1:
        return True
    return (output_shape[2] - 1) * stride[1] - padding[1] <= input_shape[2] - 2


def fully_connected_s8(cpu: Extensions, out_c: int) -> int:
    """Size of ctx->buf of arm_fully_connected_s8, _per_channel_s8 and _wrapper_s8
    (arm_fully_connected_s8_get_buffer_size).

    It is no scratch: on MVE the functions only read from it the sums that `fully_connected_sums` gives.
    """
    return 4 * out_c if cpu.mve else 0


def fully_connected_sums(
    weights: np.ndarray, bias: np.ndarray | None, input_offset: int, filter_offset: int = 0
) -> np.ndarray:
    """What arm_fully_connected_*_s8 expects in ctx->buf on MVE (arm_vector_sum_s8): int32 (out_c,).

        sums[o] = bias[o] + input_offset · Σ_i (weights[o, i] + filter_offset)

    The bias is folded in: on MVE `bias_data` itself is not read. The kernel adds Σ weights·input to it and, where
    filter_offset is not zero, filter_offset · Σ input, which completes Σ (input + input_offset)·(weight +
    filter_offset) + bias.

    Args:
        weights: int8 (out_c, depth).
        bias: int32 (out_c,) or None.
        input_offset: the input's negated zero point.
        filter_offset: the weights' negated zero point.

    Raises:
        OverflowError: a sum does not fit an int32.
    """
    sums = (weights.astype(np.int64) + filter_offset).sum(axis=1) * input_offset
    if bias is not None:
        sums = sums + bias
    if sums.size and not -(1 << 31) <= sums.min() <= sums.max() < 1 << 31:
        raise OverflowError("a sum of weights does not fit an int32")
    return sums.astype(np.int32)


def avgpool_s8(cpu: Extensions, channels: int) -> int:
    """Scratch of arm_avgpool_s8 (arm_avgpool_s8_get_buffer_size): a row of int32 sums, with DSP but without MVE."""
    return 4 * channels if cpu.dsp and not cpu.mve else 0


def softmax_s8(cpu: Extensions) -> int:
    """arm_softmax_s8 takes no scratch."""
    return 0


def is_1x1(input_shape: Shape4, filter_shape: Shape4, padding: Pair, dilation: Pair) -> bool:
    """arm_nn_is_convolve_1x1: a product of matrices, without scratch under GCC."""
    return (
        filter_shape[1:3] == (1, 1) and padding == (0, 0) and dilation == (1, 1) and input_shape[3] == filter_shape[3]
    )


def is_1_x_n(input_shape: Shape4, filter_shape: Shape4, stride: Pair, dilation: Pair) -> bool:
    """arm_nn_is_convolve_1_x_n."""
    return (
        input_shape[1] == 1
        and filter_shape[1] == 1
        and dilation[1] == 1
        and stride[1] * input_shape[3] % 4 == 0
        and input_shape[3] == filter_shape[3]
    )


def _convolve_1_x_n_s8_mve(
    input_shape: Shape4, filter_shape: Shape4, output_shape: Shape4, stride: Pair, padding: Pair
) -> int:
    """arm_convolve_1_x_n_s8_get_buffer_size_mve: room for the columns that hang over either edge."""
    channels, kernel, before = input_shape[3], filter_shape[2], padding[1]
    _, odd, left, inner, right = _split_1_x_n(input_shape[2], kernel, stride[1], before, output_shape[2])
    if left + inner + right != output_shape[2]:
        return 4 * round_up(kernel * channels, 16)  # it hands over to arm_convolve_s8
    left_bytes = (kernel + before) * channels
    right_bytes = (kernel - 1 + (right if odd else before)) * channels
    return max(left_bytes, right_bytes)


def _split_1_x_n(width: int, kernel: int, step: int, before: int, outputs: int) -> tuple[int, int, int, int, int]:
    """How arm_convolve_1_x_n_s8 divides a row on MVE: columns of padding in all and whether that is odd (by C's
    remainder, so -1 is possible), then outputs on the left edge, inside, on the right edge."""
    total = (outputs - 1) * step + kernel - width
    odd = total % 2 if total >= 0 else -(-total % 2)
    left = max(1, (before + step - 1) // step) if before else 0
    right = max(1, _divide(before + odd + step - 1, step)) if before + odd else 0
    return total, odd, left, max(outputs - (right + left), 0), right


def round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _divide(a: int, b: int) -> int:
    """C's quotient, towards zero."""
    return a // b if a >= 0 else -(-a // b)
