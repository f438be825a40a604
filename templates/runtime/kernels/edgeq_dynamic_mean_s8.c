/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of a block over any set of axes, at the scale that makes them means. */
#define EDGEQ_ELEMENT int8_t
#include "edgeq_kernels_dynamic.h"
#include "edgeq_mean.h"

arm_cmsis_nn_status edgeq_dynamic_mean_s8(const int8_t *input,
                                          const int32_t *input_range,
                                          int32_t kept_rank,
                                          const int32_t *kept_dims,
                                          const int32_t *kept_strides,
                                          int32_t reduced_rank,
                                          const int32_t *reduced_dims,
                                          const int32_t *reduced_strides,
                                          int32_t count,
                                          edgeq_scale unit,
                                          int32_t *output,
                                          int32_t *output_scale)
{
    const int32_t sum_offset = -count * edgeq_zero_point(input_range);
    int32_t index[EDGEQ_MAX_RANK] = {0};

    if (!edgeq_is_shape(kept_rank, kept_dims) || !edgeq_is_shape(reduced_rank, reduced_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const int8_t *first = input + edgeq_offset(kept_rank, index, kept_strides);
        *output++ = edgeq_sum_of(first, reduced_rank, reduced_dims, reduced_strides) + sum_offset;
    } while (edgeq_next_index(kept_rank, kept_dims, index));
    edgeq_store_scale(edgeq_scale_product(edgeq_load_scale(input_range), unit), output_scale);
    return ARM_CMSIS_NN_SUCCESS;
}
