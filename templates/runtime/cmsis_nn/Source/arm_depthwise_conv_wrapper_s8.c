/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution, straight from the image. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "edgeq_convolution.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_window.h"

/* The part of the window that lies on the image, and how to walk over it. Steps in elements. */
typedef struct {
    int32_t rows;
    int32_t cols;
    int32_t x_row;
    int32_t x_col;
    int32_t w_row;
    int32_t w_col;
    int32_t input_offset;
} window;

int32_t arm_depthwise_conv_wrapper_s8_get_buffer_size(const cmsis_nn_dw_conv_params *dw_conv_params,
                                                      const cmsis_nn_dims *input_dims,
                                                      const cmsis_nn_dims *filter_dims,
                                                      const cmsis_nn_dims *output_dims)
{
    (void)dw_conv_params;
    (void)input_dims;
    (void)filter_dims;
    (void)output_dims;
    return 0;
}

/* Sums of four neighbouring channels, each with its own input channel. */
static void sum_four(const window *v, const int8_t *x, const int8_t *w, int32_t acc[4])
{
    const int32_t offset = v->input_offset;
    int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
    int32_t row, col;

    for (row = 0; row < v->rows; ++row, x += v->x_row, w += v->w_row) {
        const int8_t *xs = x;
        const int8_t *ws = w;
        for (col = v->cols; col > 0; --col, xs += v->x_col, ws += v->w_col) {
            a0 += (xs[0] + offset) * ws[0];
            a1 += (xs[1] + offset) * ws[1];
            a2 += (xs[2] + offset) * ws[2];
            a3 += (xs[3] + offset) * ws[3];
        }
    }
    acc[0] = a0;
    acc[1] = a1;
    acc[2] = a2;
    acc[3] = a3;
}

static int32_t sum_one(const window *v, const int8_t *x, const int8_t *w)
{
    int32_t acc = 0;
    int32_t row, col;

    for (row = 0; row < v->rows; ++row, x += v->x_row, w += v->w_row) {
        const int8_t *xs = x;
        const int8_t *ws = w;
        for (col = v->cols; col > 0; --col, xs += v->x_col, ws += v->w_col) {
            acc += (*xs + v->input_offset) * *ws;
        }
    }
    return acc;
}

arm_cmsis_nn_status arm_depthwise_conv_wrapper_s8(const cmsis_nn_context *ctx,
                                                  const cmsis_nn_dw_conv_params *dw_conv_params,
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
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    const int32_t in_c = input_dims->c;
    const int32_t in_row = input_dims->w * in_c;
    const int32_t out_c = output_dims->c;
    int8_t *out = output_data;
    window v;
    int32_t n, oy, ox, o, c, in_group, k;

    (void)ctx;
    (void)bias_dims;
    if (!edgeq_is_depthwise_convolution(p, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    v.x_row = p->dilation.h * in_row;
    v.x_col = p->dilation.w * in_c;
    v.w_row = filter_dims->w * out_c;
    v.w_col = out_c;
    v.input_offset = p->input_offset;

    for (n = 0; n < input_dims->n; ++n, input_data += input_dims->h * in_row) {
        for (oy = 0; oy < output_dims->h; ++oy) {
            const int32_t y0 = oy * p->stride.h - p->padding.h;
            const edgeq_taps rows = edgeq_clip_taps(y0, input_dims->h, filter_dims->h, p->dilation.h);

            for (ox = 0; ox < output_dims->w; ++ox) {
                const int32_t x0 = ox * p->stride.w - p->padding.w;
                const edgeq_taps cols = edgeq_clip_taps(x0, input_dims->w, filter_dims->w, p->dilation.w);
                int32_t x_start = 0;
                int32_t w_start = 0;

                v.rows = cols.end > cols.first ? rows.end - rows.first : 0;
                v.cols = cols.end - cols.first;
                if (v.rows > 0) {
                    x_start = (y0 + rows.first * p->dilation.h) * in_row + (x0 + cols.first * p->dilation.w) * in_c;
                    w_start = rows.first * v.w_row + cols.first * v.w_col;
                }
                /* o: output channel; c: its input channel; in_group: its place among that channel's outputs */
                for (o = 0, c = 0, in_group = 0; o < out_c;) {
                    int32_t acc[4];
                    int32_t channels = 1;

                    if (p->ch_mult == 1 && out_c - o >= 4) {
                        sum_four(&v, input_data + x_start + c, filter_data + w_start + o, acc);
                        channels = 4;
                    } else {
                        acc[0] = sum_one(&v, input_data + x_start + c, filter_data + w_start + o);
                    }
                    for (k = 0; k < channels; ++k, ++o) {
                        const int32_t sum = acc[k] + (bias_data != NULL ? bias_data[o] : 0);
                        const int32_t y =
                            edgeq_requantize(sum, quant_params->multiplier[o], quant_params->shift[o]);
                        *out++ = edgeq_saturate_s8(y, p->output_offset, p->activation.min, p->activation.max);
                        if (++in_group == p->ch_mult) {
                            in_group = 0;
                            ++c;
                        }
                    }
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
