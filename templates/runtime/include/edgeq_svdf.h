/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all SVDFs share, for states of int8 and of int16. A state is [batches, filters, memory], the newest feature last
 * in each row.
 */
#ifndef EDGEQ_SVDF_H
#define EDGEQ_SVDF_H

#include <stdbool.h>
#include <string.h>

#include "arm_nnfunctions.h"
#include "edgeq_fixedpoint.h"

static inline bool edgeq_svdf_fits(const cmsis_nn_svdf_params *p, int32_t batches, int32_t depth, int32_t filters,
                                   int32_t memory)
{
    return batches >= 0 && depth >= 0 && filters >= 0 && memory > 0 && p->rank > 0 && filters % p->rank == 0;
}

/* Every row of the state moves on by one element; the last ones are free then, and hold old values. */
static inline void edgeq_svdf_move_on(void *state, int32_t rows, int32_t memory, int32_t element_bytes)
{
    uint8_t *row = (uint8_t *)state;
    const int32_t row_bytes = memory * element_bytes;
    int32_t i;

    for (i = 0; i < rows; ++i, row += row_bytes) {
        memmove(row, row + element_bytes, (size_t)(row_bytes - element_bytes));
    }
}

/* A filter's newest feature. */
static inline int32_t edgeq_svdf_feature(const cmsis_nn_svdf_params *p, const cmsis_nn_per_tensor_quant_params *quant,
                                         const int8_t *input, const int8_t *weights, int32_t depth)
{
    int32_t sum = 0;
    int32_t i;

    for (i = 0; i < depth; ++i) {
        sum += weights[i] * (input[i] - p->input_offset);
    }
    sum = edgeq_requantize(sum, quant->multiplier, quant->shift);
    return edgeq_clamp(sum, p->input_activation.min, p->input_activation.max);
}

/* A unit's result, from its sum over time, with the bias. */
static inline int8_t edgeq_svdf_result(const cmsis_nn_svdf_params *p, const cmsis_nn_per_tensor_quant_params *quant,
                                       int32_t sum)
{
    const int32_t y = edgeq_requantize(sum, quant->multiplier, quant->shift);

    return (int8_t)edgeq_saturate(y, p->output_offset, p->output_activation.min, p->output_activation.max);
}

#endif
