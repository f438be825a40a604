/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers of int8 tensors whose weights have fewer than 8 bits, packed without gaps: what edgeq_kernels_s4.h and
 * edgeq_kernels_narrow.h declare, to be compiled under those names and under CMSIS-NN's. Functions that are inlined with
 * them say how weights are unpacked.
 */
#ifndef EDGEQ_LAYERS_PACKED_H
#define EDGEQ_LAYERS_PACKED_H

#include <stdbool.h>
#include <stddef.h>

#include "arm_nn_types.h"
#include "edgeq_convolution.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_window.h"

#define EDGEQ_INLINED static inline __attribute__((always_inline))

/* sum((x[i] + offset) * weight first + i of packed, i < count). */
typedef int32_t (*edgeq_packed_dot)(const int8_t *x, int32_t offset, const int8_t *packed, int32_t first,
                                    int32_t count);
/* The weight of that index, 0 or more. */
typedef int32_t (*edgeq_packed_weight)(const int8_t *packed, int32_t index);

EDGEQ_INLINED arm_cmsis_nn_status edgeq_convolve_packed(const cmsis_nn_conv_params *conv_params,
                                                        const cmsis_nn_per_channel_quant_params *quant_params,
                                                        const cmsis_nn_dims *input_dims,
                                                        const int8_t *input_data,
                                                        const cmsis_nn_dims *filter_dims,
                                                        const int8_t *filter_data,
                                                        const int32_t *bias_data,
                                                        const cmsis_nn_dims *output_dims,
                                                        int8_t *output_data,
                                                        edgeq_packed_dot dot)
{
    const cmsis_nn_conv_params *const p = conv_params;
    const int32_t in_row = input_dims->w * input_dims->c;
    const int32_t group_c = filter_dims->c;
    const int32_t filter_row = filter_dims->w * group_c;
    int32_t n, oy, ox, o, ky, piece;

    if (!edgeq_is_grouped_convolution(p, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t out_per_group = output_dims->c / (input_dims->c / group_c);
    /* Without groups and horizontal dilation, the taps of a row are neighbours in memory: one long dot product. */
    const bool contiguous = group_c == input_dims->c && p->dilation.w == 1;
    const int32_t piece_step = p->dilation.w * input_dims->c;

    for (n = 0; n < input_dims->n; ++n, input_data += input_dims->h * in_row) {
        for (oy = 0; oy < output_dims->h; ++oy) {
            const int32_t y0 = oy * p->stride.h - p->padding.h;
            const edgeq_taps rows = edgeq_clip_taps(y0, input_dims->h, filter_dims->h, p->dilation.h);

            for (ox = 0; ox < output_dims->w; ++ox) {
                const int32_t x0 = ox * p->stride.w - p->padding.w;
                const edgeq_taps cols = edgeq_clip_taps(x0, input_dims->w, filter_dims->w, p->dilation.w);
                const int32_t taps = cols.end > cols.first ? cols.end - cols.first : 0;
                const int32_t pieces = contiguous && taps > 0 ? 1 : taps;
                const int32_t piece_size = contiguous ? taps * group_c : group_c;

                for (o = 0; o < output_dims->c; ++o) {
                    const int32_t group_start = o / out_per_group * group_c;
                    int32_t sum = bias_data != NULL ? bias_data[o] : 0;

                    for (ky = rows.first; ky < rows.end; ++ky) {
                        const int32_t line = (y0 + ky * p->dilation.h) * in_row + group_start;
                        const int32_t column = (x0 + cols.first * p->dilation.w) * input_dims->c;
                        const int32_t w = (o * filter_dims->h + ky) * filter_row + cols.first * group_c;

                        for (piece = 0; piece < pieces; ++piece) {
                            sum += dot(input_data + line + column + piece * piece_step, p->input_offset, filter_data,
                                       w + piece * group_c, piece_size);
                        }
                    }
                    sum = edgeq_requantize(sum, quant_params->multiplier[o], quant_params->shift[o]);
                    *output_data++ = edgeq_saturate_s8(sum, p->output_offset, p->activation.min, p->activation.max);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

EDGEQ_INLINED arm_cmsis_nn_status edgeq_depthwise_conv_packed(const cmsis_nn_dw_conv_params *dw_conv_params,
                                                              const cmsis_nn_per_channel_quant_params *quant_params,
                                                              const cmsis_nn_dims *input_dims,
                                                              const int8_t *input_data,
                                                              const cmsis_nn_dims *filter_dims,
                                                              const int8_t *filter_data,
                                                              const int32_t *bias_data,
                                                              const cmsis_nn_dims *output_dims,
                                                              int8_t *output_data,
                                                              edgeq_packed_weight weight_at)
{
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    const int32_t in_c = input_dims->c;
    const int32_t out_c = output_dims->c;
    const int32_t in_row = input_dims->w * in_c;
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
                int32_t c = 0;        /* the input channel of o */
                int32_t in_group = 0; /* o's place among that channel's outputs */

                for (o = 0; o < out_c; ++o) {
                    int32_t sum = bias_data != NULL ? bias_data[o] : 0;

                    for (ky = rows.first; ky < rows.end; ++ky) {
                        const int32_t line = (y0 + ky * p->dilation.h) * in_row + c;
                        int32_t x = line + (x0 + cols.first * p->dilation.w) * in_c;
                        int32_t w = (ky * filter_dims->w + cols.first) * out_c + o;

                        for (kx = cols.first; kx < cols.end; ++kx, x += p->dilation.w * in_c, w += out_c) {
                            sum += (input_data[x] + p->input_offset) * weight_at(filter_data, w);
                        }
                    }
                    sum = edgeq_requantize(sum, quant_params->multiplier[o], quant_params->shift[o]);
                    *output_data++ = edgeq_saturate_s8(sum, p->output_offset, p->activation.min, p->activation.max);
                    if (++in_group == p->ch_mult) {
                        in_group = 0;
                        ++c;
                    }
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

/* requantize: a function of edgeq_fixedpoint.h, inlined where this is. */
EDGEQ_INLINED arm_cmsis_nn_status edgeq_fully_connected_packed(const cmsis_nn_fc_params *fc_params,
                                                               const cmsis_nn_quant_params *quant_params,
                                                               const cmsis_nn_dims *input_dims,
                                                               const int8_t *input_data,
                                                               const cmsis_nn_dims *filter_dims,
                                                               const int8_t *filter_data,
                                                               const int32_t *bias_data,
                                                               const cmsis_nn_dims *output_dims,
                                                               int8_t *output_data,
                                                               edgeq_packed_dot dot,
                                                               int32_t (*requantize)(int32_t, int32_t, int32_t))
{
    const cmsis_nn_fc_params *const p = fc_params;
    const int32_t depth = filter_dims->n;
    const int32_t factor_step = quant_params->is_per_channel != 0 ? 1 : 0;
    int32_t batch, o;

    if (input_dims->n < 1 || depth < 1 || output_dims->c < 1 || p->filter_offset != 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch, input_data += depth) {
        for (o = 0; o < output_dims->c; ++o) {
            const int32_t bias = bias_data != NULL ? bias_data[o] : 0;
            const int32_t sum = bias + dot(input_data, p->input_offset, filter_data, o * depth, depth);
            const int32_t y = requantize(sum, quant_params->multiplier[o * factor_step],
                                         quant_params->shift[o * factor_step]);
            *output_data++ = edgeq_saturate_s8(y, p->output_offset, p->activation.min, p->activation.max);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
