/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution of a block to a block in two passes (edgeq_ranging.h), for cores with the DSP extension: four
 * channels at a time, whose inputs and weights of a tap are a word each.
 */
#include "edgeq_cursor.h"
#include "edgeq_dsp.h"
#include "edgeq_kernels_dynamic.h"
#include "edgeq_ranging.h"

/* Windows of rows of `taps` pixels, `pitch` bytes apart. */
typedef struct {
    int32_t pitch;
    int32_t rows;
    int32_t taps;
    int32_t channels;
    const int32_t *packed;
} layer;

/* The sums of four channels of a window at x, and the table moved past them. */
static inline __attribute__((always_inline)) void four_sums(const layer *v, const int8_t *x, const int32_t **k,
                                                            int32_t acc[4])
{
    const int32_t channels = v->channels;
    const int32_t pitch = v->pitch - v->taps * channels;
    const int32_t *at = *k;
    int32_t a = 0, b = 0, c = 0, d = 0;
    int32_t i, j;

    for (i = v->rows; i > 0; --i, x += pitch) {
        for (j = v->taps; j > 0; --j, x += channels) {
            const uint32_t inputs = edgeq_load_s8x4(x);
            const uint32_t weights = (uint32_t)*at++;
            const uint32_t even = edgeq_even_bytes(inputs), odd = edgeq_odd_bytes(inputs);
            const uint32_t of_even = edgeq_even_bytes(weights), of_odd = edgeq_odd_bytes(weights);
            a = edgeq_mac_low(even, of_even, a);
            b = edgeq_mac_low(odd, of_odd, b);
            c = edgeq_mac_high(even, of_even, c);
            d = edgeq_mac_high(odd, of_odd, d);
        }
    }
    *k = at;
    acc[0] = a;
    acc[1] = b;
    acc[2] = c;
    acc[3] = d;
}

static EDGEQ_NOINLINE void first_pass(const layer *v, edgeq_extremes *extremes, const int8_t *x)
{
    const int32_t *k = v->packed;
    const int8_t *const end = x + v->channels;
    int32_t acc[4];
    int32_t i;

    for (; x != end; x += 4) {
        four_sums(v, x, &k, acc);
        for (i = 0; i < 4; ++i) {
            edgeq_widen_extremes(extremes++, acc + i, 1);
        }
    }
}

static EDGEQ_NOINLINE void second_pass(const layer *v, const edgeq_ranging *r, const int8_t *x, int8_t *y)
{
    const edgeq_block_steps steps = edgeq_begin_steps(r);
    const int32_t *k = v->packed;
    int32_t acc[4];
    int32_t c, i;

    for (c = 0; c < v->channels; c += 4) {
        four_sums(v, x + c, &k, acc);
        for (i = 0; i < 4; ++i) {
            edgeq_ranged_results(r, steps, acc + i, 1, c + i, y + c + i, 1);
        }
    }
}

arm_cmsis_nn_status edgeq_dynamic_ranged_depthwise_conv_dsp_s8(const cmsis_nn_context *ctx,
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
    const int32_t used = edgeq_ranging_bytes(channels);
    const int32_t zero_point = edgeq_zero_point(input_range);
    const int32_t size = filter_dims->h * filter_dims->w * channels;
    const int32_t windows = output_dims->n * output_dims->h * output_dims->w;
    /* What lies outside of the image is the zero point. */
    const cmsis_nn_conv_params p = {-zero_point, 0, dw_conv_params->stride, dw_conv_params->padding,
                                    dw_conv_params->dilation, {-128, 127}};
    const cmsis_nn_dims filter = {1, filter_dims->h, filter_dims->w, channels};
    const bool is_run = p.dilation.w == 1 || filter.w == 1; /* a row of a window */
    const int32_t pitch = p.dilation.h * input_dims->w * channels;
    layer v = {pitch, filter.h, filter.w, channels, packed + channels};
    int8_t *copy;
    edgeq_ranging r;
    int32_t c, i;

    if (!edgeq_is_depthwise_convolution(dw_conv_params, input_dims, filter_dims, output_dims) ||
        dw_conv_params->ch_mult != 1 || (channels & 3) != 0 || ctx->buf == NULL || ctx->size < used + size) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    copy = (int8_t *)ctx->buf + used;
    r = edgeq_begin_ranging(sum_scale, input_range, bounds, bias, channels, quant_params, ctx->buf);
    for (c = 0; c < channels; ++c) {
        r.offsets[c] = -zero_point * packed[c];
    }
    for (;;) {
        edgeq_cursor at = edgeq_first_window(&p, input_dims, &filter, output_dims, input, false);
        int8_t *y = output;

        for (i = 0; i < windows; ++i, y += channels) {
            const edgeq_place w = edgeq_next_window(&at);
            const int8_t *x = w.image + w.at;

            v.pitch = pitch;
            if (!w.is_inside || !is_run) {
                edgeq_copy_window(&at, w, copy);
                x = copy;
                v.pitch = filter.w * channels;
            }
            if (r.is_second) {
                second_pass(&v, &r, x, y);
            } else {
                first_pass(&v, r.extremes, x);
            }
        }
        if (r.is_second) {
            return ARM_CMSIS_NN_SUCCESS;
        }
        edgeq_end_first_pass(&r, channels, range, output_range);
    }
}
