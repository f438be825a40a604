/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected layers with weights in blocks. */
#include "edgeq_blocks.h"
#include "edgeq_fixedpoint.h"

static inline arm_cmsis_nn_status fully_connected(const cmsis_nn_context *ctx, const cmsis_nn_fc_params *p,
                                                  const cmsis_nn_quant_params *quant, const cmsis_nn_dims *input_dims,
                                                  const int8_t *input, const cmsis_nn_dims *filter_dims,
                                                  const edgeq_block_filter *filter, const int32_t *bias,
                                                  bool rounds_once, const cmsis_nn_dims *output_dims, int8_t *output,
                                                  bool eights,
                                                  int32_t (*dot)(const int16_t *, const int8_t *, int32_t))
{
    const int32_t depth = filter_dims->n;
    const int32_t factor_step = quant->is_per_channel != 0 ? 1 : 0;
    edgeq_block_inputs in;
    int32_t batch, o;

    if (input_dims->n < 1 || output_dims->c < 1 || !edgeq_open_block_inputs(&in, ctx, filter, depth)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch, input += depth) {
        edgeq_widen(in.inputs, input, p->input_offset, depth);
        if (eights || filter->minima != NULL) {
            edgeq_sum_blocks(&in, filter->size);
        }
        for (o = 0; o < output_dims->c; ++o) {
            const int32_t sum = bias[o] + edgeq_sum_in_blocks(filter, &in, o, eights, dot);
            const int32_t multiplier = quant->multiplier[o * factor_step];
            const int32_t shift = quant->shift[o * factor_step];
            const int32_t y = rounds_once ? edgeq_requantize_single(sum, multiplier, shift)
                                          : edgeq_requantize(sum, multiplier, shift);
            *output++ = edgeq_saturate_s8(y, p->output_offset, p->activation.min, p->activation.max);
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
    return fully_connected(ctx, fc_params, quant_params, input_dims, input_data, filter_dims, filter, bias_data,
                           rounds_once, output_dims, output_data, false, edgeq_dot_block_s8);
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
    return fully_connected(ctx, fc_params, quant_params, input_dims, input_data, filter_dims, filter, bias_data,
                           rounds_once, output_dims, output_data, true, edgeq_dot_block_s4);
}
