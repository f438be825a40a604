/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution of a block to a block in two passes (edgeq_ranging.h), for cores with the DSP or the vector
 * extension: four channels at a time.
 */
#include "edgeq_cursor.h"
#include "edgeq_kernels_dynamic.h"
#include "edgeq_ranging_mve.h"

/* Windows of rows of `taps` pixels, `pitch` bytes apart. */
typedef struct {
    int32_t pitch;
    int32_t rows;
    int32_t taps;
    int32_t channels;
    const int32_t *packed;
} layer;

/* The sums of four channels of a window at x, and the table moved past them. */
#if defined(__ARM_FEATURE_MVE)
static EDGEQ_ALWAYS_INLINE int32x4_t four_sums(const layer *v, const int8_t *x, const int32_t **k)
{
    const int32_t channels = v->channels;
    const int32_t pitch = v->pitch - v->taps * channels;
    const int8_t *at = (const int8_t *)*k;
    int32x4_t sums = vdupq_n_s32(0);
    int32_t i, j;

    for (i = v->rows; i > 0; --i, x += pitch) {
        for (j = v->taps; j > 0; --j, x += channels, at += 4) {
            sums = vaddq_s32(sums, vmulq_s32(vldrbq_s32(x), vldrbq_s32(at)));
        }
    }
    *k += v->rows * v->taps;
    return sums;
}
#elif defined(__ARM_FEATURE_DSP)
static inline __attribute__((always_inline)) void four_sums(const layer *v, const int8_t *x, const int32_t **k,
                                                            int32_t sums[4])
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
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}
#else
static void four_sums(const layer *v, const int8_t *x, const int32_t **k, int32_t sums[4])
{
    int32_t i, j, lane;

    memset(sums, 0, 4 * sizeof(*sums));
    for (i = 0; i < v->rows; ++i, x += v->pitch) {
        for (j = 0; j < v->taps; ++j, ++*k) {
            for (lane = 0; lane < 4; ++lane) {
                sums[lane] += x[j * v->channels + lane] * edgeq_table_byte(*k, lane);
            }
        }
    }
}
#endif

/* A window in either pass. */
static EDGEQ_NOINLINE void convolve_one(const layer *v, edgeq_ranging *r, const int8_t *x, int8_t *y)
{
    const edgeq_block_steps steps = edgeq_begin_steps(r);
    const int32_t *k = v->packed;
    int32_t c;

    for (c = 0; c < v->channels; c += 4) {
#if defined(__ARM_FEATURE_MVE)
        const int32x4_t sums = four_sums(v, x + c, &k);
#else
        int32_t sums[4];
        four_sums(v, x + c, &k, sums);
#endif
        edgeq_take_x4(r, steps, sums, c, y + c);
    }
}

arm_cmsis_nn_status edgeq_dynamic_ranged_depthwise_conv_fours_s8(const cmsis_nn_context *ctx,
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
    const bool is_run = p.dilation.w == 1 || filter.w == 1; /* a row of a window */
    const int32_t pitch = p.dilation.h * input_dims->w * channels;
    layer v = {pitch, filter.h, filter.w, channels, packed + channels};
    cmsis_nn_context rest;
    edgeq_ranging r;
    int32_t i;

    if (!edgeq_is_depthwise_convolution(dw_conv_params, input_dims, filter_dims, output_dims) ||
        dw_conv_params->ch_mult != 1 || (channels & 3) != 0 ||
        !edgeq_begin_ranging(&r, ctx, sum_scale, input_range, bounds, bias, packed, channels, quant_params, &rest) ||
        rest.size < size) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (;;) {
        edgeq_cursor at = edgeq_first_window(&p, input_dims, &filter, output_dims, input, false);
        int8_t *y = output;

        for (i = 0; i < windows; ++i, y += channels) {
            const edgeq_place w = edgeq_next_window(&at);
            const int8_t *x = w.image + w.at;

            v.pitch = pitch;
            if (!w.is_inside || !is_run) {
                edgeq_copy_window(&at, w, rest.buf);
                x = rest.buf;
                v.pitch = filter.w * channels;
            }
            convolve_one(&v, &r, x, y);
        }
        if (r.is_second) {
            return ARM_CMSIS_NN_SUCCESS;
        }
        edgeq_end_first_pass(&r, channels, range, output_range);
    }
}
