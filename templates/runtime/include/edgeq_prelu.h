/* SPDX-License-Identifier: Apache-2.0 */
/* Rectifier with a slope below zero that is an operand, of EDGEQ_ELEMENT: define it before including this. */
#ifndef EDGEQ_PRELU_H
#define EDGEQ_PRELU_H

#include "arm_nn_types.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_index.h"

static inline arm_cmsis_nn_status edgeq_prelu(const EDGEQ_ELEMENT *input_1_data,
                                              const int8_t *input_2_data,
                                              int32_t rank,
                                              const int32_t *dims,
                                              const int32_t *strides_1,
                                              const int32_t *strides_2,
                                              int32_t input_1_offset,
                                              int32_t input_2_offset,
                                              EDGEQ_ELEMENT *output,
                                              int32_t out_offset,
                                              int32_t mult_1,
                                              int32_t shift_1,
                                              int32_t mult_2,
                                              int32_t shift_2)
{
    const int32_t high = sizeof(EDGEQ_ELEMENT) == 1 ? INT8_MAX : INT16_MAX;
    const int32_t low = -high - 1;
    int32_t i;

    if (!edgeq_is_shape(rank, dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    edgeq_runs runs = edgeq_runs_of(rank, dims, strides_1, strides_2);

    do {
        const EDGEQ_ELEMENT *x1 = input_1_data + edgeq_offset(runs.outer, runs.index, strides_1);
        const int8_t *x2 = input_2_data + edgeq_offset(runs.outer, runs.index, strides_2);

        for (i = 0; i < runs.length; ++i, x1 += runs.step_1, x2 += runs.step_2) {
            const int32_t x = *x1 + input_1_offset;
            const int32_t y = x >= 0 ? edgeq_requantize(x, mult_1, shift_1)
                                     : edgeq_requantize(x * (*x2 + input_2_offset), mult_2, shift_2);
            *output++ = (EDGEQ_ELEMENT)edgeq_saturate(y, out_offset, low, high);
        }
    } while (edgeq_next_index(runs.outer, dims, runs.index));
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
