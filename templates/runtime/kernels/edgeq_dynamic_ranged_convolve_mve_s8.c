/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of a block to a block in two passes (edgeq_ranging.h), for cores with the vector extension: windows as runs
 * of bytes, four channels at a time, as the units of a dense layer in edgeq_mve_dense.h.
 */
#include "edgeq_cursor.h"
#include "edgeq_kernels_dynamic.h"
#include "edgeq_mve_units.h"
#include "edgeq_ranging_mve.h"

/* All channels of a pixel from the bytes of its window; the last record is of the last four. */
static EDGEQ_NOINLINE void convolve_one(edgeq_ranging *r, const int8_t *x, int32_t size, const int32_t *k, int8_t *y,
                                        int32_t channels)
{
    const edgeq_block_steps s = edgeq_begin_steps(r);
    const int32_t steps = (size - 1) / 16;
    int32_t channel = 0;
#if defined(__ARM_FEATURE_MVE)
    const mve_pred16_t last = vctp8q((uint32_t)(size - 16 * steps));
#endif

    for (;;) {
#if defined(__ARM_FEATURE_MVE)
        const int32x4_t acc = edgeq_sum_units(x, steps, last, &k);
#else
        int32_t acc[4];
        int32_t lane;

        for (lane = 0; lane < 4; ++lane) {
            acc[lane] = edgeq_sum_unit(x, size, k, lane);
        }
        k += 4 + EDGEQ_STEP_WORDS * (steps + 1);
#endif
        edgeq_take_x4(r, s, acc, channel, y + channel);
        if (channel == channels - 4) {
            return;
        }
        channel = channel + 8 > channels ? channels - 4 : channel + 4;
    }
}

arm_cmsis_nn_status edgeq_dynamic_ranged_convolve_mve_s8(const cmsis_nn_context *ctx,
                                                         const cmsis_nn_conv_params *conv_params,
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
    const int32_t size = filter_dims->h * filter_dims->w * filter_dims->c;
    const int32_t pixels = output_dims->n * output_dims->h * output_dims->w;
    cmsis_nn_conv_params p = *conv_params;
    cmsis_nn_context rest;
    edgeq_ranging r;

    if (!edgeq_is_convolution(&p, input_dims, filter_dims, output_dims) || channels < 4 ||
        !edgeq_begin_ranging(&r, ctx, sum_scale, input_range, bounds, bias, packed, channels, quant_params, &rest) ||
        rest.size < size) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    /* what lies outside of the image is the zero point */
    p.input_offset = -edgeq_zero_point(input_range);
    for (;;) {
        edgeq_cursor at = edgeq_first_window(&p, input_dims, filter_dims, output_dims, input, false);
        const bool in_place = edgeq_is_run(&at);
        int8_t *y = output;
        int32_t left;

        for (left = pixels; left > 0; --left, y += channels) {
            convolve_one(&r, edgeq_next_bytes(&at, in_place, rest.buf), size, packed + channels, y, channels);
        }
        if (r.is_second) {
            return ARM_CMSIS_NN_SUCCESS;
        }
        edgeq_end_first_pass(&r, channels, range, output_range);
    }
}
