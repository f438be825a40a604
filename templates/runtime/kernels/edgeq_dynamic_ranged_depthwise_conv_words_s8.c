/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution of a block to a block in two passes (edgeq_ranging.h), channel by channel of a pixel. */
#include "edgeq_cursor.h"
#include "edgeq_kernels_dynamic.h"
#include "edgeq_ranging.h"
#include "edgeq_tap_words.h"

static inline int32_t taps(const edgeq_tap_walk *v, bool is_3x3, const int8_t *x, const int32_t **k)
{
    return is_3x3 ? edgeq_nine_taps(x, v->step, v->line, k) : edgeq_any_taps(v, x, k);
}

/* All channels of the pixel whose window is at x, in either pass. */
static EDGEQ_NOINLINE void convolve_one(edgeq_ranging *r, const edgeq_tap_walk *walk, const int8_t *x, const int32_t *k,
                                        int8_t *y)
{
    const edgeq_block_steps steps = edgeq_begin_steps(r);
    const edgeq_tap_walk v = *walk;
    const bool is_3x3 = v.rows == 3 && v.cols == 3;
    edgeq_extremes *e = r->extremes;
    int32_t c;

    if (r->is_second) {
        for (c = 0; c < v.channels; ++c) {
            const int32_t sum = taps(&v, is_3x3, x + c, &k);
            edgeq_ranged_results(r, steps, &sum, 1, c, y + c, 1);
        }
    } else {
        for (c = 0; c < v.channels; ++c) {
            const int32_t sum = taps(&v, is_3x3, x + c, &k);
            edgeq_widen_extremes(e++, &sum, 1);
        }
    }
}

arm_cmsis_nn_status edgeq_dynamic_ranged_depthwise_conv_words_s8(const cmsis_nn_context *ctx,
                                                                 const cmsis_nn_dw_conv_params *dw_conv_params,
                                                                 const cmsis_nn_per_channel_quant_params *quant_params,
                                                                 const edgeq_sum_scale *sum_scale,
                                                                 const edgeq_bounds *bounds,
                                                                 const edgeq_block_range *range,
                                                                 const cmsis_nn_dims *input_dims,
                                                                 const int8_t *input,
                                                                 const int32_t *input_range,
                                                                 const cmsis_nn_dims *filter_dims,
                                                                 const int32_t *packed,
                                                                 const int32_t *bias,
                                                                 const cmsis_nn_dims *output_dims,
                                                                 int8_t *output,
                                                                 int32_t *output_range)
{
    const int32_t channels = output_dims->c;
    const int32_t size = filter_dims->h * filter_dims->w * channels;
    const int32_t windows = output_dims->n * output_dims->h * output_dims->w;
    /* What lies outside of the image is the zero point. */
    const cmsis_nn_conv_params p = {-edgeq_zero_point(input_range), 0, dw_conv_params->stride, dw_conv_params->padding,
                                    dw_conv_params->dilation, {-128, 127}};
    const cmsis_nn_dims filter = {1, filter_dims->h, filter_dims->w, channels};
    const int32_t pitch = input_dims->w * channels;
    const edgeq_tap_walk on_image = {filter.h, filter.w, p.dilation.w * channels, p.dilation.h * pitch, channels};
    const edgeq_tap_walk on_copy = {filter.h, filter.w, channels, filter.w * channels, channels};
    cmsis_nn_context rest;
    edgeq_ranging r;
    int32_t i;

    if (!edgeq_is_depthwise_convolution(dw_conv_params, input_dims, filter_dims, output_dims) ||
        dw_conv_params->ch_mult != 1 ||
        !edgeq_begin_ranging(&r, ctx, sum_scale, input_range, bounds, bias, packed, channels, quant_params, &rest) ||
        rest.size < size) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (;;) {
        edgeq_cursor at = edgeq_first_window(&p, input_dims, &filter, output_dims, input, false);
        int8_t *y = output;

        for (i = 0; i < windows; ++i, y += channels) {
            const edgeq_place w = edgeq_next_window(&at);

            if (w.is_inside) {
                convolve_one(&r, &on_image, w.image + w.at, packed + channels, y);
            } else {
                edgeq_copy_window(&at, w, rest.buf);
                convolve_one(&r, &on_copy, rest.buf, packed + channels, y);
            }
        }
        if (r.is_second) {
            return ARM_CMSIS_NN_SUCCESS;
        }
        edgeq_end_first_pass(&r, channels, range, output_range);
    }
}
