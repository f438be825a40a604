/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected layers: per-tensor, per-channel, and the function that chooses. */
#include "arm_nnfunctions.h"
#include "edgeq_fully_connected.h"

/* All three functions: factor_step is 1 with a factor per output channel, 0 with one factor for all. */
static arm_cmsis_nn_status fully_connected(const cmsis_nn_fc_params *p, const int32_t *multiplier,
                                           const int32_t *shift, int32_t factor_step, int32_t batches, int32_t depth,
                                           int32_t out_c, const int8_t *input, const int8_t *filter,
                                           const int32_t *bias, int8_t *output)
{
    return edgeq_fully_connected(p, multiplier, shift, factor_step, batches, depth, out_c, input, filter, bias,
                                 output, edgeq_requantize);
}

int32_t arm_fully_connected_s8_get_buffer_size(const cmsis_nn_dims *filter_dims)
{
    (void)filter_dims;
    return 0;
}

arm_cmsis_nn_status arm_fully_connected_s8(const cmsis_nn_context *ctx,
                                           const cmsis_nn_fc_params *fc_params,
                                           const cmsis_nn_per_tensor_quant_params *quant_params,
                                           const cmsis_nn_dims *input_dims,
                                           const int8_t *input_data,
                                           const cmsis_nn_dims *filter_dims,
                                           const int8_t *filter_data,
                                           const cmsis_nn_dims *bias_dims,
                                           const int32_t *bias_data,
                                           const cmsis_nn_dims *output_dims,
                                           int8_t *output_data)
{
    (void)ctx;
    (void)bias_dims;
    return fully_connected(fc_params, &quant_params->multiplier, &quant_params->shift, 0, input_dims->n,
                           filter_dims->n, output_dims->c, input_data, filter_data, bias_data, output_data);
}

arm_cmsis_nn_status arm_fully_connected_per_channel_s8(const cmsis_nn_context *ctx,
                                                       const cmsis_nn_fc_params *fc_params,
                                                       const cmsis_nn_per_channel_quant_params *quant_params,
                                                       const cmsis_nn_dims *input_dims,
                                                       const int8_t *input_data,
                                                       const cmsis_nn_dims *filter_dims,
                                                       const int8_t *filter_data,
                                                       const cmsis_nn_dims *bias_dims,
                                                       const int32_t *bias_data,
                                                       const cmsis_nn_dims *output_dims,
                                                       int8_t *output_data)
{
    (void)ctx;
    (void)bias_dims;
    return fully_connected(fc_params, quant_params->multiplier, quant_params->shift, 1, input_dims->n,
                           filter_dims->n, output_dims->c, input_data, filter_data, bias_data, output_data);
}

arm_cmsis_nn_status arm_fully_connected_wrapper_s8(const cmsis_nn_context *ctx,
                                                   const cmsis_nn_fc_params *fc_params,
                                                   const cmsis_nn_quant_params *quant_params,
                                                   const cmsis_nn_dims *input_dims,
                                                   const int8_t *input_data,
                                                   const cmsis_nn_dims *filter_dims,
                                                   const int8_t *filter_data,
                                                   const cmsis_nn_dims *bias_dims,
                                                   const int32_t *bias_data,
                                                   const cmsis_nn_dims *output_dims,
                                                   int8_t *output_data)
{
    (void)ctx;
    (void)bias_dims;
    return fully_connected(fc_params, quant_params->multiplier, quant_params->shift,
                           quant_params->is_per_channel != 0 ? 1 : 0, input_dims->n, filter_dims->n, output_dims->c,
                           input_data, filter_data, bias_data, output_data);
}
