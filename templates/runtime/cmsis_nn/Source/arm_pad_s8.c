/* SPDX-License-Identifier: Apache-2.0 */
/* Constant padding on all four axes. */
#define EDGEQ_ELEMENT int8_t
#include "edgeq_pad.h"
#include "arm_nnfunctions.h"

arm_cmsis_nn_status arm_pad_s8(const int8_t *input,
                               int8_t *output,
                               const int8_t pad_value,
                               const cmsis_nn_dims *input_size,
                               const cmsis_nn_dims *pre_pad,
                               const cmsis_nn_dims *post_pad)
{
    return edgeq_pad(input, output, pad_value, input_size, pre_pad, post_pad);
}
