/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest element along any axes. */
#include "edgeq_index.h"
#include "edgeq_kernels.h"

arm_cmsis_nn_status edgeq_reduce_min_s8(const int8_t *input,
                                        int32_t kept_rank,
                                        const int32_t *kept_dims,
                                        const int32_t *kept_strides,
                                        int32_t reduced_rank,
                                        const int32_t *reduced_dims,
                                        const int32_t *reduced_strides,
                                        int8_t *output)
{
    int32_t kept[EDGEQ_MAX_RANK] = {0};
    int32_t reduced[EDGEQ_MAX_RANK] = {0};

    if (!edgeq_is_shape(kept_rank, kept_dims) || !edgeq_is_shape(reduced_rank, reduced_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const int8_t *x = input + edgeq_offset(kept_rank, kept, kept_strides);
        int8_t extreme = *x;

        do {
            const int8_t value = x[edgeq_offset(reduced_rank, reduced, reduced_strides)];
            extreme = value < extreme ? value : extreme;
        } while (edgeq_next_index(reduced_rank, reduced_dims, reduced));
        *output++ = extreme;
    } while (edgeq_next_index(kept_rank, kept_dims, kept));
    return ARM_CMSIS_NN_SUCCESS;
}
