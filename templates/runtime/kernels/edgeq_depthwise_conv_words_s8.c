/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution for cores without the DSP extension, channel by channel of a pixel.
 *
 * Weights are words (edgeq_tap_words.h). The input's offset is part of the bias; a window that hangs over an edge of the
 * image is copied first, with the zero point in place of what is not on the image.
 */
#include "edgeq_convolution.h"
#include "edgeq_copy.h"
#include "edgeq_finish.h"
#include "edgeq_kernels_scalar.h"
#include "edgeq_tap_words.h"
#include "edgeq_window.h"

/* A function apart keeps its own registers. */
#define NOINLINE __attribute__((noinline))

/* All channels of one pixel, whose window is at x. */
static NOINLINE void convolve_3x3(const edgeq_finishing *f, const edgeq_tap_walk *v, const int8_t *x, const int32_t *k,
                                  int8_t *y)
{
    const edgeq_finishing finishing = *f;
    const int32_t step = v->step;
    const int32_t line = v->line;
    const int8_t *const end = x + v->channels;

    for (; x != end; ++x) {
        const int32_t sum = edgeq_nine_taps(x, step, line, &k);
        *y++ = edgeq_finish(&finishing, sum, k);
        k += edgeq_finish_words(&finishing);
    }
}

static NOINLINE void convolve_any(const edgeq_finishing *f, const edgeq_tap_walk *v, const int8_t *x, const int32_t *k,
                                  int8_t *y)
{
    const int8_t *const end = x + v->channels;

    for (; x != end; ++x) {
        const int32_t sum = edgeq_any_taps(v, x, &k);
        *y++ = edgeq_finish(f, sum, k);
        k += edgeq_finish_words(f);
    }
}

/* Copies the window at (y, x), the zero point in place of what is not on the image. */
static NOINLINE void copy_window(const cmsis_nn_dw_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                                 const int8_t *image, int32_t y, int32_t x, int8_t *copy)
{
    const edgeq_taps cols = edgeq_clip_taps(x, in->w, filter->w, p->dilation.w);
    int32_t row, col;

    for (row = 0; row < filter->h; ++row, y += p->dilation.h) {
        const bool is_inside = y >= 0 && y < in->h;
        for (col = 0; col < filter->w; ++col, copy += in->c) {
            if (is_inside && col >= cols.first && col < cols.end) {
                edgeq_copy_few(copy, image + (y * in->w + x + col * p->dilation.w) * in->c, in->c);
            } else {
                edgeq_fill_few(copy, -p->input_offset, in->c);
            }
        }
    }
}

static bool is_computable(const cmsis_nn_dw_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                          const cmsis_nn_dims *out)
{
    return p->ch_mult == 1 && edgeq_is_depthwise_convolution(p, in, filter, out);
}

arm_cmsis_nn_status edgeq_depthwise_conv_words_s8(const cmsis_nn_context *ctx,
                                                  const cmsis_nn_dw_conv_params *dw_conv_params,
                                                  const cmsis_nn_dims *input_dims,
                                                  const int8_t *input_data,
                                                  const cmsis_nn_dims *filter_dims,
                                                  const int32_t *packed,
                                                  bool is_narrow,
                                                  const cmsis_nn_dims *output_dims,
                                                  int8_t *output_data)
{
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    const int32_t pitch = input_dims->w * input_dims->c;
    const int32_t low = p->activation.min;
    const int32_t high = p->activation.max;
    const int32_t down = (filter_dims->h - 1) * p->dilation.h;
    const int32_t right = (filter_dims->w - 1) * p->dilation.w;
    const edgeq_finishing finishing = {is_narrow, low > -128 || high < 127, low, high};
    const edgeq_tap_walk on_image = {filter_dims->h, filter_dims->w, p->dilation.w * input_dims->c, p->dilation.h * pitch,
                           input_dims->c};
    const edgeq_tap_walk on_copy = {filter_dims->h, filter_dims->w, input_dims->c, filter_dims->w * input_dims->c,
                          input_dims->c};
    const bool is_3x3 = filter_dims->h == 3 && filter_dims->w == 3;
    int8_t *const copy = ctx->buf;
    int32_t n, out_y, out_x;

    if (!is_computable(p, input_dims, filter_dims, output_dims) || !edgeq_can_finish(&finishing)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (n = 0; n < input_dims->n; ++n, input_data += input_dims->h * pitch) {
        for (out_y = 0; out_y < output_dims->h; ++out_y) {
            const int32_t y = out_y * p->stride.h - p->padding.h;
            const bool is_inside = y >= 0 && y + down < input_dims->h;
            int32_t x = -p->padding.w;

            for (out_x = 0; out_x < output_dims->w; ++out_x, x += p->stride.w, output_data += output_dims->c) {
                const edgeq_tap_walk *v = &on_image;
                const int8_t *window = copy;

                if (!is_inside || x < 0 || x + right >= input_dims->w) {
                    if (copy == NULL || ctx->size < filter_dims->h * on_copy.line) {
                        return ARM_CMSIS_NN_ARG_ERROR;
                    }
                    copy_window(p, input_dims, filter_dims, input_data, y, x, copy);
                    v = &on_copy;
                } else {
                    window = input_data + y * pitch + x * input_dims->c;
                }
                if (is_3x3) {
                    convolve_3x3(&finishing, v, window, packed, output_data);
                } else {
                    convolve_any(&finishing, v, window, packed, output_data);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
