/* SPDX-License-Identifier: Apache-2.0 */
/* Constant padding of int16 on all four axes. */
#define EDGEQ_ELEMENT int16_t
#include "edgeq_pad.h"
#include "edgeq_kernels_places.h"

arm_cmsis_nn_status edgeq_pad_s16(const int16_t *input,
                                  int16_t *output,
                                  int16_t pad_value,
                                  const cmsis_nn_dims *input_size,
                                  const cmsis_nn_dims *pre_pad,
                                  const cmsis_nn_dims *post_pad)
{
    return edgeq_pad(input, output, pad_value, input_size, pre_pad, post_pad);
}
