/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution of a block of int8 with int8 filters: sums at a scale that is found at run time. */
#include "edgeq_convolution.h"
#include "edgeq_kernels_dynamic.h"
#include "edgeq_sums.h"
#include "edgeq_window.h"

arm_cmsis_nn_status edgeq_dynamic_depthwise_conv_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_dw_conv_params *dw_conv_params,
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
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    const int32_t in_row = input_dims->w * input_dims->c;
    const int32_t filter_row = filter_dims->w * output_dims->c;
    const int32_t input_offset = -edgeq_zero_point(input_range);
    int32_t *const acc = (int32_t *)ctx->buf + output_dims->c;
    int32_t n, oy, ox, o, c, i, ky, kx;

    if (!edgeq_is_depthwise_convolution(p, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const edgeq_sums sums = edgeq_begin_sums(sum_scale, input_range, bias, output_dims->c, quant_params,
                                             (int32_t *)ctx->buf, output_scale);

    for (n = 0; n < input_dims->n; ++n, input += input_dims->h * in_row) {
        for (oy = 0; oy < output_dims->h; ++oy) {
            const int32_t y0 = oy * p->stride.h - p->padding.h;
            const edgeq_taps rows = edgeq_clip_taps(y0, input_dims->h, filter_dims->h, p->dilation.h);

            for (ox = 0; ox < output_dims->w; ++ox) {
                const int32_t x0 = ox * p->stride.w - p->padding.w;
                const edgeq_taps cols = edgeq_clip_taps(x0, input_dims->w, filter_dims->w, p->dilation.w);

                for (o = 0; o < output_dims->c; ++o) {
                    acc[o] = 0;
                }
                /* all channels of a tap stand side by side */
                for (ky = rows.first; ky < rows.end; ++ky) {
                    const int8_t *const line = input + (y0 + ky * p->dilation.h) * in_row;
                    for (kx = cols.first; kx < cols.end; ++kx) {
                        const int8_t *const x = line + (x0 + kx * p->dilation.w) * input_dims->c;
                        const int8_t *tap = filter + ky * filter_row + kx * output_dims->c;
                        int32_t *sum = acc;

                        for (c = 0; c < input_dims->c; ++c) {
                            const int32_t value = x[c] + input_offset;
                            for (i = 0; i < p->ch_mult; ++i) {
                                *sum++ += value * *tap++;
                            }
                        }
                    }
                }
                for (o = 0; o < output_dims->c; ++o) {
                    *output++ = edgeq_finished_sum(&sums, acc[o], o);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
