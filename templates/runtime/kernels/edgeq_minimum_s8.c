/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise minimum with broadcasting. */
#define EDGEQ_ELEMENT int8_t
#include "edgeq_extreme.h"
#include "edgeq_kernels.h"

arm_cmsis_nn_status edgeq_minimum_s8(const int8_t *input_1_data,
                                     const int8_t *input_2_data,
                                     int32_t rank,
                                     const int32_t *dims,
                                     const int32_t *strides_1,
                                     const int32_t *strides_2,
                                     int8_t *output)
{
    return edgeq_extreme(true, input_1_data, input_2_data, rank, dims, strides_1, strides_2, output);
}
