/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest or largest element along any axes, of EDGEQ_ELEMENT: define it before including this. */
#ifndef EDGEQ_REDUCE_EXTREME_H
#define EDGEQ_REDUCE_EXTREME_H

#include "arm_nn_types.h"
#include "edgeq_index.h"

static inline arm_cmsis_nn_status edgeq_reduce_extreme(bool smallest,
                                                       const EDGEQ_ELEMENT *input,
                                                       int32_t kept_rank,
                                                       const int32_t *kept_dims,
                                                       const int32_t *kept_strides,
                                                       int32_t reduced_rank,
                                                       const int32_t *reduced_dims,
                                                       const int32_t *reduced_strides,
                                                       EDGEQ_ELEMENT *output)
{
    int32_t kept[EDGEQ_MAX_RANK] = {0};
    int32_t reduced[EDGEQ_MAX_RANK] = {0};

    if (!edgeq_is_shape(kept_rank, kept_dims) || !edgeq_is_shape(reduced_rank, reduced_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const EDGEQ_ELEMENT *x = input + edgeq_offset(kept_rank, kept, kept_strides);
        EDGEQ_ELEMENT extreme = *x;

        do {
            const EDGEQ_ELEMENT value = x[edgeq_offset(reduced_rank, reduced, reduced_strides)];
            extreme = (value < extreme) == smallest ? value : extreme;
        } while (edgeq_next_index(reduced_rank, reduced_dims, reduced));
        *output++ = extreme;
    } while (edgeq_next_index(kept_rank, kept_dims, kept));
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
