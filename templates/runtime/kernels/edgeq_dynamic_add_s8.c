/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise sums and extremes of two blocks with broadcasting, at the larger of their scales. */
#include <stdbool.h>

#include "edgeq_index.h"
#include "edgeq_kernels_dynamic.h"

static inline __attribute__((always_inline)) arm_cmsis_nn_status pairwise(
    const int8_t *input_1, const int32_t *range_1, const int8_t *input_2, const int32_t *range_2, int32_t rank,
    const int32_t *dims, const int32_t *strides_1, const int32_t *strides_2, int32_t sign, bool is_extreme,
    int32_t *output, int32_t *output_scale)
{
    const edgeq_scale first = edgeq_load_scale(range_1);
    const edgeq_scale second = edgeq_load_scale(range_2);
    edgeq_scale common = edgeq_scale_exceeds(second, first) ? second : first;
    const edgeq_alignment of_first = edgeq_align_scale(first, common);
    const edgeq_alignment of_second = edgeq_align_scale(second, common);
    const int32_t zero_1 = edgeq_zero_point(range_1);
    const int32_t zero_2 = edgeq_zero_point(range_2);
    int32_t index[EDGEQ_MAX_RANK] = {0};

    if (!edgeq_is_shape(rank, dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const int32_t a = edgeq_aligned(input_1[edgeq_offset(rank, index, strides_1)] - zero_1, of_first);
        const int32_t b = edgeq_aligned(input_2[edgeq_offset(rank, index, strides_2)] - zero_2, of_second);
        if (is_extreme) {
            *output++ = (sign > 0) == (a > b) ? a : b;
        } else {
            *output++ = a + sign * b;
        }
    } while (edgeq_next_index(rank, dims, index));
    common.exponent -= EDGEQ_ALIGNED_BITS;
    edgeq_store_scale(common, output_scale);
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status edgeq_dynamic_add_s8(const int8_t *input_1,
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
    return pairwise(input_1, range_1, input_2, range_2, rank, dims, strides_1, strides_2, sign, false, output,
                    output_scale);
}

arm_cmsis_nn_status edgeq_dynamic_extreme_s8(const int8_t *input_1,
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
    return pairwise(input_1, range_1, input_2, range_2, rank, dims, strides_1, strides_2, sign, true, output,
                    output_scale);
}
