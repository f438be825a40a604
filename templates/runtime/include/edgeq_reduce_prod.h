/* SPDX-License-Identifier: Apache-2.0 */
/* Product over any set of axes, of EDGEQ_ELEMENT: define it before including this. */
#ifndef EDGEQ_REDUCE_PROD_H
#define EDGEQ_REDUCE_PROD_H

#include "arm_nn_types.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_index.h"

/* The elements multiplied in the order of the memory; every product but the first element itself is scaled. */
static inline int32_t edgeq_product_of(const EDGEQ_ELEMENT *input, int32_t rank, const int32_t *dims,
                                       const int32_t *strides, int32_t in_offset, int32_t mult, int32_t shift)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};
    int32_t product = *input + in_offset;

    while (edgeq_next_index(rank, dims, index)) {
        const int32_t x = input[edgeq_offset(rank, index, strides)] + in_offset;

        product = edgeq_requantize_wide((int64_t)product * x, mult, shift);
    }
    return product;
}

static inline arm_cmsis_nn_status edgeq_reduce_prod(const EDGEQ_ELEMENT *input,
                                                    int32_t kept_rank,
                                                    const int32_t *kept_dims,
                                                    const int32_t *kept_strides,
                                                    int32_t reduced_rank,
                                                    const int32_t *reduced_dims,
                                                    const int32_t *reduced_strides,
                                                    int32_t in_offset,
                                                    int32_t mult,
                                                    int32_t shift,
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
        const int32_t product =
            edgeq_product_of(first, reduced_rank, reduced_dims, reduced_strides, in_offset, mult, shift);
        const int32_t y = edgeq_requantize_wide(product, mult, shift);

        *output++ = (EDGEQ_ELEMENT)edgeq_saturate(y, out_offset, low, high);
    } while (edgeq_next_index(kept_rank, kept_dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
