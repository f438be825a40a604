/* SPDX-License-Identifier: Apache-2.0 */
/* The sums of edgeq_dynamic_depthwise_conv_s8, kept in working memory, and edgeq_dynamic_quantize_s32's block of them. */
#include "edgeq_kept_sums.h"
#include "edgeq_kernels_dynamic.h"

arm_cmsis_nn_status edgeq_dynamic_ranged_depthwise_conv_s8(const cmsis_nn_context *ctx,
                                                           const cmsis_nn_dw_conv_params *dw_conv_params,
                                                           const cmsis_nn_per_channel_quant_params *quant_params,
                                                           const edgeq_sum_scale *sum_scale,
                                                           const edgeq_bounds *bounds,
                                                           const edgeq_block_range *range,
                                                           const cmsis_nn_dims *input_dims,
                                                           const int8_t *input,
                                                           const int32_t *input_range,
                                                           const cmsis_nn_dims *filter_dims,
                                                           const int8_t *filter,
                                                           const int32_t *bias,
                                                           const cmsis_nn_dims *output_dims,
                                                           int8_t *output,
                                                           int32_t *output_range)
{
    const int32_t size = output_dims->n * output_dims->h * output_dims->w * output_dims->c;
    int32_t scale[2];
    cmsis_nn_context rest;
    int32_t *const sums = edgeq_kept_sums(ctx, size, &rest);
    arm_cmsis_nn_status status;

    if (sums == NULL) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    status = edgeq_dynamic_depthwise_conv_s8(&rest, dw_conv_params, quant_params, sum_scale, input_dims, input, input_range,
                                             filter_dims, filter, bias, output_dims, sums, scale);
    if (status != ARM_CMSIS_NN_SUCCESS) {
        return status;
    }
    return edgeq_dynamic_quantize_s32(sums, scale, size, bounds, range, output, output_range);
}
