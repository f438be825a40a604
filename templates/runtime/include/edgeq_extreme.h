/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise minimum and maximum with broadcasting, of EDGEQ_ELEMENT: define it before including this. */
#ifndef EDGEQ_EXTREME_H
#define EDGEQ_EXTREME_H

#include "arm_nn_types.h"
#include "edgeq_index.h"

/* The smaller or the larger of each pair; one of the two remains where this is inlined. */
static inline arm_cmsis_nn_status edgeq_extreme(bool smaller,
                                                const EDGEQ_ELEMENT *input_1_data,
                                                const EDGEQ_ELEMENT *input_2_data,
                                                int32_t rank,
                                                const int32_t *dims,
                                                const int32_t *strides_1,
                                                const int32_t *strides_2,
                                                EDGEQ_ELEMENT *output)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};
    int32_t i;

    if (!edgeq_is_shape(rank, dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    /* The innermost axis is a plain loop, the others a counter. */
    const int32_t outer = rank > 0 ? rank - 1 : 0;
    const int32_t length = rank > 0 ? dims[outer] : 1;
    const int32_t step_1 = rank > 0 ? strides_1[outer] : 0;
    const int32_t step_2 = rank > 0 ? strides_2[outer] : 0;
    do {
        const EDGEQ_ELEMENT *x1 = input_1_data + edgeq_offset(outer, index, strides_1);
        const EDGEQ_ELEMENT *x2 = input_2_data + edgeq_offset(outer, index, strides_2);

        for (i = 0; i < length; ++i, x1 += step_1, x2 += step_2) {
            *output++ = (*x1 < *x2) == smaller ? *x1 : *x2;
        }
    } while (edgeq_next_index(outer, dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
