/* SPDX-License-Identifier: Apache-2.0 */
/* SVDF with a state of int8. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "edgeq_svdf.h"

arm_cmsis_nn_status arm_svdf_s8(const cmsis_nn_context *ctx,
                                const cmsis_nn_context *input_ctx,
                                const cmsis_nn_context *output_ctx,
                                const cmsis_nn_svdf_params *svdf_params,
                                const cmsis_nn_per_tensor_quant_params *input_quant_params,
                                const cmsis_nn_per_tensor_quant_params *output_quant_params,
                                const cmsis_nn_dims *input_dims,
                                const int8_t *input_data,
                                const cmsis_nn_dims *state_dims,
                                int8_t *state_data,
                                const cmsis_nn_dims *weights_feature_dims,
                                const int8_t *weights_feature_data,
                                const cmsis_nn_dims *weights_time_dims,
                                const int8_t *weights_time_data,
                                const cmsis_nn_dims *bias_dims,
                                const int32_t *bias_data,
                                const cmsis_nn_dims *output_dims,
                                int8_t *output_data)
{
    const int32_t batches = input_dims->n;
    const int32_t depth = input_dims->h;
    const int32_t filters = weights_feature_dims->n;
    const int32_t memory = weights_time_dims->h;
    int32_t *filter_sum = (int32_t *)input_ctx->buf;
    int32_t *unit_sum = (int32_t *)output_ctx->buf;
    int32_t batch, filter, i;

    (void)ctx;
    (void)state_dims;
    (void)bias_dims;
    (void)output_dims;
    if (filter_sum == NULL || unit_sum == NULL || !edgeq_svdf_fits(svdf_params, batches, depth, filters, memory)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    edgeq_svdf_move_on(state_data, batches * filters, memory, 1);
    for (batch = 0; batch < batches; ++batch) {
        for (filter = 0; filter < filters; ++filter, state_data += memory) {
            const int8_t *weights = weights_time_data + filter * memory;
            int32_t sum = 0;

            state_data[memory - 1] =
                (int8_t)edgeq_svdf_feature(svdf_params, input_quant_params, input_data + batch * depth,
                                           weights_feature_data + filter * depth, depth);
            for (i = 0; i < memory; ++i) {
                sum += weights[i] * state_data[i];
            }
            *filter_sum++ = sum;
        }
    }
    filter_sum = (int32_t *)input_ctx->buf;
    for (batch = 0; batch < batches; ++batch) {
        for (i = 0; i < filters / svdf_params->rank; ++i) {
            int32_t sum = bias_data != NULL ? bias_data[i] : 0;

            for (filter = 0; filter < svdf_params->rank; ++filter) {
                sum += *filter_sum++;
            }
            *unit_sum++ = sum;
        }
    }
    unit_sum = (int32_t *)output_ctx->buf;
    for (i = 0; i < batches * (filters / svdf_params->rank); ++i) {
        output_data[i] = edgeq_svdf_result(svdf_params, output_quant_params, unit_sum[i]);
    }
    return ARM_CMSIS_NN_SUCCESS;
}
