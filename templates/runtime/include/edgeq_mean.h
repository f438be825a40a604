/* SPDX-License-Identifier: Apache-2.0 */
/* Mean over any set of axes, of EDGEQ_ELEMENT: define it before including this. */
#ifndef EDGEQ_MEAN_H
#define EDGEQ_MEAN_H

#include "arm_nn_types.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_index.h"

static inline int32_t edgeq_sum_of(const EDGEQ_ELEMENT *input, int32_t rank, const int32_t *dims,
                                   const int32_t *strides)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};
    const int32_t outer = rank > 0 ? rank - 1 : 0;
    const int32_t length = rank > 0 ? dims[outer] : 1;
    const int32_t step = rank > 0 ? strides[outer] : 0;
    int32_t sum = 0;
    int32_t i;

    do {
        const EDGEQ_ELEMENT *x = input + edgeq_offset(outer, index, strides);
        for (i = 0; i < length; ++i, x += step) {
            sum += *x;
        }
    } while (edgeq_next_index(outer, dims, index));
    return sum;
}

static inline arm_cmsis_nn_status edgeq_mean(const EDGEQ_ELEMENT *input,
                                             int32_t kept_rank,
                                             const int32_t *kept_dims,
                                             const int32_t *kept_strides,
                                             int32_t reduced_rank,
                                             const int32_t *reduced_dims,
                                             const int32_t *reduced_strides,
                                             int32_t sum_offset,
                                             int32_t out_mult,
                                             int32_t out_shift,
                                             int32_t out_offset,
                                             EDGEQ_ELEMENT *output)
{
    const int32_t high = sizeof(EDGEQ_ELEMENT) == 1 ? INT8_MAX : INT16_MAX;
    const int32_t low = -high - 1;
    int32_t index[EDGEQ_MAX_RANK] = {0};

    if (!edgeq_is_shape(kept_rank, kept_dims) || !edgeq_is_shape(reduced_rank, reduced_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const EDGEQ_ELEMENT *first = input + edgeq_offset(kept_rank, index, kept_strides);
        const int32_t sum = edgeq_sum_of(first, reduced_rank, reduced_dims, reduced_strides) + sum_offset;
        const int32_t y = edgeq_requantize(sum, out_mult, out_shift);
        *output++ = (EDGEQ_ELEMENT)edgeq_saturate(y, out_offset, low, high);
    } while (edgeq_next_index(kept_rank, kept_dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
