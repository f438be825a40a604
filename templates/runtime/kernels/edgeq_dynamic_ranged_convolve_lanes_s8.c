/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of a block to a block in two passes (edgeq_ranging.h), for cores without the DSP extension: two pixels by
 * two channels at a time, both pixels in one word, as in edgeq_convolve_lanes_s8.c.
 */
#include <string.h>

#include "edgeq_cursor.h"
#include "edgeq_kernels_dynamic.h"
#include "edgeq_lanes.h"
#include "edgeq_ranging.h"

/* The sums of one channel for two pixels, whose results are y_step bytes apart. */
static EDGEQ_NOINLINE void take(edgeq_ranging *r, edgeq_lane_sum sum, int32_t channel, int8_t *y, int32_t y_step)
{
    const int32_t acc[2] = {edgeq_lane_low(sum), sum.high};

    if (r->is_second) {
        edgeq_ranged_results(r, edgeq_begin_steps(r), acc, 2, channel, y + channel, y_step);
    } else {
        edgeq_widen_extremes(&r->extremes[channel], acc, 2);
    }
}

/* All channels of two pixels from their stream; k holds a record per two channels. The last record is of the last two:
 * with an odd number it computes one again. */
static EDGEQ_NOINLINE void convolve_two(edgeq_ranging *r, const uint32_t *stream, const uint32_t *end, const int32_t *k,
                                        int8_t *y, int32_t y_step, int32_t channels)
{
    edgeq_lane_state s = {stream, end, k, {0u, 0}, {0u, 0}};
    int32_t channel = 0;

    for (;;) {
        edgeq_add_lane_record(&s);
        take(r, s.a, channel, y, y_step);
        take(r, s.b, channel + 1, y, y_step);
        if (channel == channels - 2) {
            return;
        }
        channel = channel + 4 > channels ? channels - 2 : channel + 2;
    }
}

arm_cmsis_nn_status edgeq_dynamic_ranged_convolve_lanes_s8(const cmsis_nn_context *ctx,
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
    const int32_t padded = (size + 7) & ~7;
    const int32_t words = padded / 4 * EDGEQ_BLOCK_WORDS;
    const int32_t pixels = output_dims->n * output_dims->h * output_dims->w;
    cmsis_nn_conv_params p = *conv_params;
    cmsis_nn_context rest;
    edgeq_ranging r;
    uint32_t *stream;
    int8_t *copies;

    if (!edgeq_is_convolution(&p, input_dims, filter_dims, output_dims) || channels < 2 ||
        !edgeq_begin_ranging(&r, ctx, sum_scale, input_range, bounds, bias, packed, channels, quant_params, &rest) ||
        rest.size < 4 * words + 2 * padded) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    /* what lies outside of the image is the zero point */
    p.input_offset = -edgeq_zero_point(input_range);
    stream = rest.buf;
    copies = (int8_t *)(stream + words);
    memset(copies, 0, 2 * (size_t)padded);
    for (;;) {
        edgeq_cursor at = edgeq_first_window(&p, input_dims, filter_dims, output_dims, input, false);
        const bool in_place = padded == size && edgeq_is_run(&at);
        int8_t *y = output;
        int32_t left;

        for (left = pixels; left > 0; left -= 2) {
            /* a pixel that is left over is computed twice */
            const bool is_pair = left > 1;
            const int8_t *const x0 = edgeq_next_bytes(&at, in_place, copies);
            const int8_t *const x1 = is_pair ? edgeq_next_bytes(&at, in_place, copies + padded) : x0;

            edgeq_write_stream(stream, x0, x1, padded / 4);
            convolve_two(&r, stream, stream + words, packed + channels, y, is_pair ? channels : 0, channels);
            y += 2 * channels;
        }
        if (r.is_second) {
            return ARM_CMSIS_NN_SUCCESS;
        }
        edgeq_end_first_pass(&r, channels, range, output_range);
    }
}
