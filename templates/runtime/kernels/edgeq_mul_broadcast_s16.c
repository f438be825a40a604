/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise product of int16 with broadcasting. */
#define EDGEQ_ELEMENT int16_t
#include "edgeq_mul_broadcast.h"
#include "edgeq_kernels_s16.h"

arm_cmsis_nn_status edgeq_mul_broadcast_s16(const int16_t *input_1_data,
                                            const int16_t *input_2_data,
                                            int32_t rank,
                                            const int32_t *dims,
                                            const int32_t *strides_1,
                                            const int32_t *strides_2,
                                            int32_t input_1_offset,
                                            int32_t input_2_offset,
                                            int16_t *output,
                                            int32_t out_offset,
                                            int32_t out_mult,
                                            int32_t out_shift,
                                            int32_t out_activation_min,
                                            int32_t out_activation_max)
{
    return edgeq_mul_broadcast(input_1_data, input_2_data, rank, dims, strides_1, strides_2, input_1_offset,
                               input_2_offset, output, out_offset, out_mult, out_shift, out_activation_min,
                               out_activation_max);
}
