"""As `cmsis_nn_scratch`, of CMSIS-NN's functions for int4 weights: what they demand, and which calls they get right."""

from __future__ import annotations

from edgeq.kernels.cmsis_nn_scratch import (
    Extensions,
    Pair,
    Shape4,
    is_1_x_n,
    is_1x1,
    round_up,
)


def convolve(
    cpu: Extensions, input_shape: Shape4, filter_shape: Shape4, stride: Pair, padding: Pair, dilation: Pair
) -> int:
    """Scratch of arm_convolve_wrapper_s4 (arm_convolve_wrapper_s4_get_buffer_size) for what `convolve_is_sound`.

    Args:
        filter_shape: (out_c, h, w, in_c).
        padding: rows and columns before the image.
    """
    if is_1x1(input_shape, filter_shape, padding, dilation):
        return 0
    columns = filter_shape[1] * filter_shape[2] * input_shape[3]
    if cpu.mve:
        return 4 * round_up(columns, 16)  # four int8 columns of whole vectors
    return 2 * 2 * columns  # two int16 columns


def convolve_is_sound(
    cpu: Extensions,
    input_shape: Shape4,
    filter_shape: Shape4,
    output_shape: Shape4,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> bool:
    """Whether arm_convolve_wrapper_s4 computes this convolution correctly.

    It knows no groups. On MVE its kernel for one-row images has the faults of its int8 sibling (see
    `convolve_wrapper_s8_is_sound`) and begins rows of weights at whole bytes: no such image is left to it.
    """
    if input_shape[3] != filter_shape[3]:
        return False
    if not cpu.mve or is_1x1(input_shape, filter_shape, padding, dilation):
        return True
    return not is_1_x_n(input_shape, filter_shape, stride, dilation)


def depthwise(cpu: Extensions, input_shape: Shape4, filter_shape: Shape4, dilation: Pair) -> int:
    """Scratch of arm_depthwise_conv_wrapper_s4 (arm_depthwise_conv_wrapper_s4_get_buffer_size) for what
    `depthwise_is_sound`.

    Args:
        filter_shape: (1, h, w, out_c).
    """
    if not _is_optimized(input_shape, filter_shape, dilation):
        return 0
    return 2 * input_shape[3] * filter_shape[1] * filter_shape[2]


def depthwise_is_sound(cpu: Extensions, input_shape: Shape4, filter_shape: Shape4, dilation: Pair) -> bool:
    """Whether arm_depthwise_conv_wrapper_s4 computes this convolution correctly.

    Its general kernel follows the halves of bytes by counting, which goes wrong where an odd number of input channels
    meets a window that is cut off at the image's edge. The optimized one for MVE, built by GCC 12, gives wrong values
    in odd channels (seen in QEMU).
    """
    if _is_optimized(input_shape, filter_shape, dilation):
        return not cpu.mve
    return input_shape[3] % 2 == 0


def _is_optimized(input_shape: Shape4, filter_shape: Shape4, dilation: Pair) -> bool:
    return input_shape[3] == filter_shape[3] and input_shape[0] == 1 and dilation == (1, 1)
