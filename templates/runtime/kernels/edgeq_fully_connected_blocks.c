/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected layers with weights in blocks. */
#include "edgeq_blocks.h"
#include "edgeq_fixedpoint.h"

static inline arm_cmsis_nn_status fully_connected(const cmsis_nn_context *ctx, const cmsis_nn_fc_params *p,
                                                  const cmsis_nn_quant_params *quant, const cmsis_nn_dims *input_dims,
                                                  const int8_t *input, const cmsis_nn_dims *filter_dims,
                                                  const edgeq_block_filter *filter, const int32_t *bias,
                                                  bool rounds_once, const cmsis_nn_dims *output_dims, int8_t *output,
                                                  edgeq_block_product product)
{
    const int32_t depth = filter_dims->n;
    const int32_t factor_step = quant->is_per_channel != 0 ? 1 : 0;
    edgeq_block_inputs in;
    int32_t batch, o, end, k;

    if (input_dims->n < 1 || output_dims->c < 1 || !edgeq_open_block_inputs(&in, ctx, filter, depth)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch, input += depth) {
        edgeq_widen_inputs(in.inputs, input, p->input_offset, depth);
        if (product.has_four_bits || filter->minima != NULL) {
            edgeq_sum_blocks(&in, filter->size);
        }
        for (o = 0; o < output_dims->c; o = end) {
            int32_t sums[2];

            end = o + 2 < output_dims->c ? o + 2 : output_dims->c;
            product.sums(sums, filter, &in, o, end - 1);
            for (k = o; k < end; ++k) {
                const int32_t sum = bias[k] + sums[k - o];
                const int32_t multiplier = quant->multiplier[k * factor_step];
                const int32_t shift = quant->shift[k * factor_step];
                const int32_t y = rounds_once ? edgeq_requantize_single(sum, multiplier, shift)
                                              : edgeq_requantize(sum, multiplier, shift);
                *output++ = edgeq_saturate_s8(y, p->output_offset, p->activation.min, p->activation.max);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status edgeq_fully_connected_blocks_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_fc_params *fc_params,
                                                    const cmsis_nn_quant_params *quant_params,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const edgeq_block_filter *filter,
                                                    const int32_t *bias_data,
                                                    bool rounds_once,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data)
{
    const edgeq_block_product product = {edgeq_block_sums_s8, false};

    return fully_connected(ctx, fc_params, quant_params, input_dims, input_data, filter_dims, filter, bias_data,
                           rounds_once, output_dims, output_data, product);
}

arm_cmsis_nn_status edgeq_fully_connected_blocks_s4(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_fc_params *fc_params,
                                                    const cmsis_nn_quant_params *quant_params,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const edgeq_block_filter *filter,
                                                    const int32_t *bias_data,
                                                    bool rounds_once,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data)
{
    const edgeq_block_product product = {edgeq_block_sums_s4, true};

    return fully_connected(ctx, fc_params, quant_params, input_dims, input_data, filter_dims, filter, bias_data,
                           rounds_once, output_dims, output_data, product);
}
