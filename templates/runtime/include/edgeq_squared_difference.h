/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise squared difference with broadcasting, of EDGEQ_ELEMENT: define it before including this. */
#ifndef EDGEQ_SQUARED_DIFFERENCE_H
#define EDGEQ_SQUARED_DIFFERENCE_H

#include "arm_nn_types.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_index.h"

static inline arm_cmsis_nn_status edgeq_squared_difference(const EDGEQ_ELEMENT *input_1_data,
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
                                                           int32_t out_shift)
{
    const int32_t high = sizeof(EDGEQ_ELEMENT) == 1 ? INT8_MAX : INT16_MAX;
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
            const int32_t a = edgeq_shift_left(*x1 + input_1_offset, left_shift);
            const int32_t b = edgeq_shift_left(*x2 + input_2_offset, left_shift);
            const int32_t difference = edgeq_requantize(a, input_1_mult, input_1_shift) -
                                       edgeq_requantize(b, input_2_mult, input_2_shift);
            const int32_t y = edgeq_requantize(difference * difference, out_mult, out_shift);
            *output++ = (EDGEQ_ELEMENT)edgeq_saturate(y, out_offset, -high - 1, high);
        }
    } while (edgeq_next_index(outer, dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
