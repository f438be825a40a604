/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise product of two blocks with broadcasting. */
#include "edgeq_index.h"
#include "edgeq_kernels_dynamic.h"

arm_cmsis_nn_status edgeq_dynamic_mul_s8(const int8_t *input_1,
                                         const int32_t *range_1,
                                         const int8_t *input_2,
                                         const int32_t *range_2,
                                         int32_t rank,
                                         const int32_t *dims,
                                         const int32_t *strides_1,
                                         const int32_t *strides_2,
                                         int32_t sign,
                                         int32_t *output,
                                         int32_t *output_scale)
{
    const int32_t zero_1 = edgeq_zero_point(range_1);
    const int32_t zero_2 = edgeq_zero_point(range_2);
    int32_t index[EDGEQ_MAX_RANK] = {0};

    if (!edgeq_is_shape(rank, dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const int32_t a = input_1[edgeq_offset(rank, index, strides_1)] - zero_1;
        const int32_t b = input_2[edgeq_offset(rank, index, strides_2)] - zero_2;
        *output++ = sign * (a * b);
    } while (edgeq_next_index(rank, dims, index));
    edgeq_store_scale(edgeq_scale_product(edgeq_load_scale(range_1), edgeq_load_scale(range_2)), output_scale);
    return ARM_CMSIS_NN_SUCCESS;
}
