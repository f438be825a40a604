/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution: a dot product per output element, taken straight from the image (no im2col, no scratch). */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "edgeq_convolution.h"
#include "edgeq_dot.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_window.h"

int32_t arm_convolve_s8_get_buffer_size(const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims)
{
    (void)input_dims;
    (void)filter_dims;
    return 0;
}

arm_cmsis_nn_status arm_convolve_s8(const cmsis_nn_context *ctx,
                                    const cmsis_nn_conv_params *conv_params,
                                    const cmsis_nn_per_channel_quant_params *quant_params,
                                    const cmsis_nn_dims *input_dims,
                                    const int8_t *input_data,
                                    const cmsis_nn_dims *filter_dims,
                                    const int8_t *filter_data,
                                    const cmsis_nn_dims *bias_dims,
                                    const int32_t *bias_data,
                                    const cmsis_nn_dims *upscale_dims,
                                    const cmsis_nn_dims *output_dims,
                                    int8_t *output_data)
{
    const cmsis_nn_conv_params *const p = conv_params;
    const int32_t in_c = input_dims->c;
    const int32_t in_row = input_dims->w * in_c;
    const int32_t group_c = filter_dims->c;
    const int32_t filter_row = filter_dims->w * group_c;
    const int32_t filter_size = filter_dims->h * filter_row;
    const int32_t out_c = output_dims->c;
    int8_t *out = output_data;
    int32_t n, oy, ox, o, ky, piece, k;

    (void)ctx;
    (void)bias_dims;
    if (upscale_dims != NULL || !edgeq_is_grouped_convolution(p, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t out_per_group = out_c / (in_c / group_c);
    /* Without groups and horizontal dilation, the taps of a row are neighbours in memory: one long dot product. */
    const bool contiguous = group_c == in_c && p->dilation.w == 1;
    const int32_t piece_step = p->dilation.w * in_c;

    for (n = 0; n < input_dims->n; ++n, input_data += input_dims->h * in_row) {
        for (oy = 0; oy < output_dims->h; ++oy) {
            const int32_t y0 = oy * p->stride.h - p->padding.h;
            const edgeq_taps rows = edgeq_clip_taps(y0, input_dims->h, filter_dims->h, p->dilation.h);

            for (ox = 0; ox < output_dims->w; ++ox) {
                const int32_t x0 = ox * p->stride.w - p->padding.w;
                const edgeq_taps cols = edgeq_clip_taps(x0, input_dims->w, filter_dims->w, p->dilation.w);
                const int32_t taps = cols.end > cols.first ? cols.end - cols.first : 0;
                const int32_t pieces = contiguous ? 1 : taps;
                const int32_t piece_size = contiguous ? taps * group_c : group_c;
                const int32_t x_offset = (x0 + cols.first * p->dilation.w) * in_c;
                const int32_t w_offset = cols.first * group_c;
                int32_t group_start = 0; /* first input channel of the group */
                int32_t group_end = out_per_group;

                for (o = 0; o < out_c;) {
                    const int32_t channels = group_end - o < 4 ? group_end - o : 4;
                    edgeq_acc4 acc = {{0, 0, 0, 0}};

                    if (taps > 0) {
                        for (ky = rows.first; ky < rows.end; ++ky) {
                            const int8_t *x =
                                input_data + (y0 + ky * p->dilation.h) * in_row + x_offset + group_start;
                            const int8_t *w = filter_data + o * filter_size + ky * filter_row + w_offset;

                            for (piece = 0; piece < pieces; ++piece, x += piece_step, w += group_c) {
                                edgeq_dot4(&acc, channels, x, p->input_offset, w, filter_size, piece_size);
                            }
                        }
                    }
                    for (k = 0; k < channels; ++k, ++o) {
                        const int32_t sum = acc.channel[k] + (bias_data != NULL ? bias_data[o] : 0);
                        const int32_t y =
                            edgeq_requantize(sum, quant_params->multiplier[o], quant_params->shift[o]);
                        *out++ = edgeq_saturate_s8(y, p->output_offset, p->activation.min, p->activation.max);
                    }
                    if (o == group_end) {
                        group_start += group_c;
                        group_end += out_per_group;
                    }
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
