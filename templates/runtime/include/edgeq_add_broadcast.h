/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise sum and difference with broadcasting, of EDGEQ_ELEMENT: define it before including this. */
#ifndef EDGEQ_ADD_BROADCAST_H
#define EDGEQ_ADD_BROADCAST_H

#include "arm_nn_types.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_index.h"

/*
 * The sum for sign = 1, the difference for sign = -1. A negated multiplier instead would not do for the difference:
 * its product, rounded with ties up, is not the negative of the other.
 */
static inline arm_cmsis_nn_status edgeq_add_broadcast(int32_t sign,
                                                      const EDGEQ_ELEMENT *input_1_data,
                                                      const EDGEQ_ELEMENT *input_2_data,
                                                      int32_t rank,
                                                      const int32_t *dims,
                                                      const int32_t *strides_1,
                                                      const int32_t *strides_2,
                                                      int32_t input_1_offset,
                                                      int32_t input_1_mult,
                                                      int32_t input_1_shift,
                                                      int32_t input_2_offset,
                                                      int32_t input_2_mult,
                                                      int32_t input_2_shift,
                                                      int32_t left_shift,
                                                      EDGEQ_ELEMENT *output,
                                                      int32_t out_offset,
                                                      int32_t out_mult,
                                                      int32_t out_shift,
                                                      int32_t out_activation_min,
                                                      int32_t out_activation_max)
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
            const int32_t a = edgeq_shift_left(*x1 + input_1_offset, left_shift);
            const int32_t b = edgeq_shift_left(*x2 + input_2_offset, left_shift);
            const int32_t sum = edgeq_requantize(a, input_1_mult, input_1_shift) +
                                sign * edgeq_requantize(b, input_2_mult, input_2_shift);
            const int32_t y = edgeq_requantize(sum, out_mult, out_shift);
            *output++ = (EDGEQ_ELEMENT)edgeq_saturate(y, out_offset, out_activation_min, out_activation_max);
        }
    } while (edgeq_next_index(runs.outer, dims, runs.index));
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
