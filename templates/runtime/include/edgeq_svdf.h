/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SVDF with a state of EDGEQ_ELEMENT, int8_t or int16_t, which is the type of the weights over time too: define it before
 * including this. A state is [batches, filters, memory], the newest feature last in each row.
 */
#ifndef EDGEQ_SVDF_H
#define EDGEQ_SVDF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "arm_nnfunctions.h"
#include "edgeq_fixedpoint.h"

static inline bool edgeq_svdf_fits(const cmsis_nn_svdf_params *p, int32_t batches, int32_t depth, int32_t filters,
                                   int32_t memory)
{
    return batches >= 0 && depth >= 0 && filters >= 0 && memory > 0 && p->rank > 0 && filters % p->rank == 0;
}

/* Every row of the state moves on by one element; the last ones are free then, and hold old values. */
static inline void edgeq_svdf_move_on(EDGEQ_ELEMENT *state, int32_t rows, int32_t memory)
{
    int32_t i;

    for (i = 0; i < rows; ++i, state += memory) {
        memmove(state, state + 1, (size_t)(memory - 1) * sizeof(*state));
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

/* CMSIS-NN's way, in 32 bits: the sum over time of every filter, then of every unit, then the results. */
static inline arm_cmsis_nn_status edgeq_svdf(const cmsis_nn_context *input_ctx,
                                             const cmsis_nn_context *output_ctx,
                                             const cmsis_nn_svdf_params *p,
                                             const cmsis_nn_per_tensor_quant_params *input_quant,
                                             const cmsis_nn_per_tensor_quant_params *output_quant,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             EDGEQ_ELEMENT *state_data,
                                             const cmsis_nn_dims *weights_feature_dims,
                                             const int8_t *weights_feature_data,
                                             const cmsis_nn_dims *weights_time_dims,
                                             const EDGEQ_ELEMENT *weights_time_data,
                                             const int32_t *bias_data,
                                             int8_t *output_data)
{
    const int32_t batches = input_dims->n;
    const int32_t depth = input_dims->h;
    const int32_t filters = weights_feature_dims->n;
    const int32_t memory = weights_time_dims->h;
    int32_t *filter_sum = (int32_t *)input_ctx->buf;
    int32_t *unit_sum = (int32_t *)output_ctx->buf;
    int32_t batch, filter, i;

    if (filter_sum == NULL || unit_sum == NULL || !edgeq_svdf_fits(p, batches, depth, filters, memory)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    edgeq_svdf_move_on(state_data, batches * filters, memory);
    for (batch = 0; batch < batches; ++batch) {
        for (filter = 0; filter < filters; ++filter, state_data += memory) {
            const EDGEQ_ELEMENT *weights = weights_time_data + filter * memory;
            int32_t sum = 0;

            state_data[memory - 1] = (EDGEQ_ELEMENT)edgeq_svdf_feature(
                p, input_quant, input_data + batch * depth, weights_feature_data + filter * depth, depth);
            for (i = 0; i < memory; ++i) {
                sum += weights[i] * state_data[i];
            }
            *filter_sum++ = sum;
        }
    }
    filter_sum = (int32_t *)input_ctx->buf;
    for (batch = 0; batch < batches; ++batch) {
        for (i = 0; i < filters / p->rank; ++i) {
            int32_t sum = bias_data != NULL ? bias_data[i] : 0;

            for (filter = 0; filter < p->rank; ++filter) {
                sum += *filter_sum++;
            }
            *unit_sum++ = sum;
        }
    }
    unit_sum = (int32_t *)output_ctx->buf;
    for (i = 0; i < batches * (filters / p->rank); ++i) {
        output_data[i] = edgeq_svdf_result(p, output_quant, unit_sum[i]);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
