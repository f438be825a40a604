/* SPDX-License-Identifier: Apache-2.0 */
/* Rectifier of int16 with a slope below zero that is an operand. */
#define EDGEQ_ELEMENT int16_t
#include "edgeq_prelu.h"
#include "edgeq_kernels_functions.h"

arm_cmsis_nn_status edgeq_prelu_s16(const int16_t *input_1_data,
                                    const int8_t *input_2_data,
                                    int32_t rank,
                                    const int32_t *dims,
                                    const int32_t *strides_1,
                                    const int32_t *strides_2,
                                    int32_t input_1_offset,
                                    int32_t input_2_offset,
                                    int16_t *output,
                                    int32_t out_offset,
                                    int32_t mult_1,
                                    int32_t shift_1,
                                    int32_t mult_2,
                                    int32_t shift_2)
{
    return edgeq_prelu(input_1_data, input_2_data, rank, dims, strides_1, strides_2, input_1_offset, input_2_offset,
                       output, out_offset, mult_1, shift_1, mult_2, shift_2);
}
