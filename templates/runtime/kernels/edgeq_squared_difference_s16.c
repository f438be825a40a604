/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise squared difference of int16 with broadcasting. */
#define EDGEQ_ELEMENT int16_t
#include "edgeq_squared_difference.h"
#include "edgeq_kernels_s16.h"

arm_cmsis_nn_status edgeq_squared_difference_s16(const int16_t *input_1_data,
                                                 const int16_t *input_2_data,
                                                 int32_t rank,
                                                 const int32_t *dims,
                                                 const int32_t *strides_1,
                                                 const int32_t *strides_2,
                                                 int32_t input_1_offset,
                                                 int32_t input_1_mult,
                                                 int32_t input_1_shift,
                                                 int32_t input_2_offset,
                                                 int32_t input_2_mult,
                                                 int32_t input_2_shift,
                                                 int32_t left_shift,
                                                 int16_t *output,
                                                 int32_t out_offset,
                                                 int32_t out_mult,
                                                 int32_t out_shift)
{
    return edgeq_squared_difference(input_1_data, input_2_data, rank, dims, strides_1, strides_2, input_1_offset,
                                    input_1_mult, input_1_shift, input_2_offset, input_2_mult, input_2_shift, left_shift,
                                    output, out_offset, out_mult, out_shift);
}
