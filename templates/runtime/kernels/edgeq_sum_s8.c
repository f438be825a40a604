/* SPDX-License-Identifier: Apache-2.0 */
/* Sum over any set of axes. */
#define EDGEQ_ELEMENT int8_t
#include "edgeq_kernels_places.h"
#include "edgeq_mean.h"

/* How many of the ascending thresholds are not above sum. */
static int32_t reached(int32_t sum, const int32_t thresholds[255])
{
    int32_t count = 0;
    int32_t step;

    for (step = 128; step > 0; step >>= 1) {
        if (thresholds[count + step - 1] <= sum) {
            count += step;
        }
    }
    return count;
}

arm_cmsis_nn_status edgeq_sum_s8(const int8_t *input,
                                 int32_t kept_rank,
                                 const int32_t *kept_dims,
                                 const int32_t *kept_strides,
                                 int32_t reduced_rank,
                                 const int32_t *reduced_dims,
                                 const int32_t *reduced_strides,
                                 const int32_t thresholds[255],
                                 int8_t *output)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};

    if (!edgeq_is_shape(kept_rank, kept_dims) || !edgeq_is_shape(reduced_rank, reduced_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const int8_t *first = input + edgeq_offset(kept_rank, index, kept_strides);
        const int32_t sum = edgeq_sum_of(first, reduced_rank, reduced_dims, reduced_strides);

        *output++ = (int8_t)(reached(sum, thresholds) - 128);
    } while (edgeq_next_index(kept_rank, kept_dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}
