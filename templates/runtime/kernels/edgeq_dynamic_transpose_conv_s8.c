/* SPDX-License-Identifier: Apache-2.0 */
/* Transposed convolution of a block of int8: sums at a scale that is found at run time. */
#include "edgeq_kernels_dynamic.h"
#include "edgeq_sums.h"
#include "edgeq_transpose_conv.h"

arm_cmsis_nn_status edgeq_dynamic_transpose_conv_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_conv_params *conv_params,
                                                    const cmsis_nn_per_channel_quant_params *quant_params,
                                                    const edgeq_sum_scale *sum_scale,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input,
                                                    const int32_t *input_range,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int8_t *filter,
                                                    const int32_t *bias,
                                                    const cmsis_nn_dims *output_dims,
                                                    int32_t *output,
                                                    int32_t *output_scale)
{
    const int32_t image_size = input_dims->h * input_dims->w * input_dims->c;
    const int32_t filter_size = filter_dims->h * filter_dims->w * filter_dims->c;
    cmsis_nn_conv_params p = *conv_params;
    int32_t n, y, x, o;

    if (!edgeq_is_transposed_convolution(&p, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    p.input_offset = -edgeq_zero_point(input_range);
    const edgeq_sums sums = edgeq_begin_sums(sum_scale, input_range, bias, output_dims->c, quant_params,
                                             (int32_t *)ctx->buf, output_scale);

    for (n = 0; n < output_dims->n; ++n, input += image_size) {
        for (y = 0; y < output_dims->h; ++y) {
            for (x = 0; x < output_dims->w; ++x) {
                for (o = 0; o < output_dims->c; ++o) {
                    const int8_t *const taps = filter + o * filter_size;
                    *output++ = edgeq_finished_sum(
                        &sums, edgeq_transposed_sum(&p, input_dims, input, filter_dims, taps, y, x), o);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
