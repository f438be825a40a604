/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise minimum of int16 with broadcasting. */
#define EDGEQ_ELEMENT int16_t
#include "edgeq_extreme.h"
#include "edgeq_kernels_s16.h"

arm_cmsis_nn_status edgeq_minimum_s16(const int16_t *input_1_data,
                                      const int16_t *input_2_data,
                                      int32_t rank,
                                      const int32_t *dims,
                                      const int32_t *strides_1,
                                      const int32_t *strides_2,
                                      int16_t *output)
{
    return edgeq_extreme(true, input_1_data, input_2_data, rank, dims, strides_1, strides_2, output);
}
