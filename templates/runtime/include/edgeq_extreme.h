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
    int32_t i;

    if (!edgeq_is_shape(rank, dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    edgeq_runs runs = edgeq_runs_of(rank, dims, strides_1, strides_2);

    do {
        const EDGEQ_ELEMENT *x1 = input_1_data + edgeq_offset(runs.outer, runs.index, strides_1);
        const EDGEQ_ELEMENT *x2 = input_2_data + edgeq_offset(runs.outer, runs.index, strides_2);

        for (i = 0; i < runs.length; ++i, x1 += runs.step_1, x2 += runs.step_2) {
            *output++ = (*x1 < *x2) == smaller ? *x1 : *x2;
        }
    } while (edgeq_next_index(runs.outer, dims, runs.index));
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
