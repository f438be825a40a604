/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution of int16 images with int8 filters, summed in 64 bits. */
#include "edgeq_convolution.h"
#include "edgeq_kernels_s16.h"
#include "edgeq_sum_s16.h"
#include "edgeq_window.h"

arm_cmsis_nn_status edgeq_depthwise_conv_s16(const cmsis_nn_dw_conv_params *dw_conv_params,
                                             const cmsis_nn_per_channel_quant_params *quant_params,
                                             const cmsis_nn_dims *input_dims,
                                             const int16_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const int8_t *filter_data,
                                             const int32_t *narrow_bias,
                                             const int64_t *wide_bias,
                                             const cmsis_nn_dims *output_dims,
                                             int16_t *output_data)
{
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    const edgeq_finish_s16 finish = {narrow_bias, wide_bias, quant_params->multiplier, quant_params->shift,
                                     p->activation};
    const int32_t in_row = input_dims->w * input_dims->c;
    const int32_t filter_row = filter_dims->w * output_dims->c;
    int32_t n, oy, ox, o, ky, kx;

    if (!edgeq_is_depthwise_convolution(p, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (n = 0; n < input_dims->n; ++n, input_data += input_dims->h * in_row) {
        for (oy = 0; oy < output_dims->h; ++oy) {
            const int32_t y0 = oy * p->stride.h - p->padding.h;
            const edgeq_taps rows = edgeq_clip_taps(y0, input_dims->h, filter_dims->h, p->dilation.h);

            for (ox = 0; ox < output_dims->w; ++ox) {
                const int32_t x0 = ox * p->stride.w - p->padding.w;
                const edgeq_taps cols = edgeq_clip_taps(x0, input_dims->w, filter_dims->w, p->dilation.w);

                for (o = 0; o < output_dims->c; ++o) {
                    const int16_t *const image = input_data + o / p->ch_mult;
                    int64_t sum = 0;

                    for (ky = rows.first; ky < rows.end; ++ky) {
                        const int16_t *const line = image + (y0 + ky * p->dilation.h) * in_row;
                        const int8_t *const filter = filter_data + ky * filter_row + o;
                        for (kx = cols.first; kx < cols.end; ++kx) {
                            const int32_t x = line[(x0 + kx * p->dilation.w) * input_dims->c];
                            sum += x * filter[kx * output_dims->c];
                        }
                    }
                    *output_data++ = edgeq_finished_s16(&finish, sum, o, o);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
