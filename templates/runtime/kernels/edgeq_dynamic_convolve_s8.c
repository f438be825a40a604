/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution of a block of int8 with int8 filters: sums at a scale that is found at run time. */
#include "edgeq_convolution.h"
#include "edgeq_dot.h"
#include "edgeq_kernels_dynamic.h"
#include "edgeq_sums.h"
#include "edgeq_window.h"

arm_cmsis_nn_status edgeq_dynamic_convolve_s8(const cmsis_nn_context *ctx,
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
    const cmsis_nn_conv_params *const p = conv_params;
    const int32_t in_row = input_dims->w * input_dims->c;
    const int32_t group_c = filter_dims->c;
    const int32_t filter_row = filter_dims->w * group_c;
    const int32_t filter_size = filter_dims->h * filter_row;
    const int32_t input_offset = -edgeq_zero_point(input_range);
    /* the taps of a row of the window that stand side by side in the image, as they do in the filter */
    const bool whole_rows = group_c == input_dims->c && conv_params->dilation.w == 1;
    int32_t n, oy, ox, o, ky, kx;

    if (!edgeq_is_grouped_convolution(p, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t out_per_group = output_dims->c / (input_dims->c / group_c);
    const edgeq_sums sums = edgeq_begin_sums(sum_scale, input_range, bias, output_dims->c, quant_params,
                                             (int32_t *)ctx->buf, output_scale);

    for (n = 0; n < input_dims->n; ++n, input += input_dims->h * in_row) {
        for (oy = 0; oy < output_dims->h; ++oy) {
            const int32_t y0 = oy * p->stride.h - p->padding.h;
            const edgeq_taps rows = edgeq_clip_taps(y0, input_dims->h, filter_dims->h, p->dilation.h);

            for (ox = 0; ox < output_dims->w; ++ox) {
                const int32_t x0 = ox * p->stride.w - p->padding.w;
                const edgeq_taps cols = edgeq_clip_taps(x0, input_dims->w, filter_dims->w, p->dilation.w);

                /* up to four channels of one group at a time: they share what is read of the image */
                for (o = 0; o < output_dims->c;) {
                    const int32_t left = out_per_group - o % out_per_group;
                    const int32_t channels = left < 4 ? left : 4;
                    const int32_t group_start = o / out_per_group * group_c;
                    edgeq_acc4 acc = {{0, 0, 0, 0}};
                    int32_t i;

                    for (ky = rows.first; ky < rows.end; ++ky) {
                        const int8_t *const line = input + (y0 + ky * p->dilation.h) * in_row + group_start;
                        const int8_t *const taps = filter + o * filter_size + ky * filter_row;

                        if (whole_rows && cols.first < cols.end) {
                            edgeq_dot4(&acc, channels, line + (x0 + cols.first) * group_c, input_offset,
                                       taps + cols.first * group_c, filter_size, (cols.end - cols.first) * group_c);
                            continue;
                        }
                        for (kx = cols.first; kx < cols.end; ++kx) {
                            edgeq_dot4(&acc, channels, line + (x0 + kx * p->dilation.w) * input_dims->c, input_offset,
                                       taps + kx * group_c, filter_size, group_c);
                        }
                    }
                    for (i = 0; i < channels; ++i, ++o) {
                        *output++ = edgeq_finished_sum(&sums, acc.channel[i], o);
                    }
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
