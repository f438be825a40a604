/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution with int4 weights for cores with the DSP extension: unpacks them once for all pixels, to a table of
 * edgeq_depthwise_conv_dsp_s8.c. A weight that lies highest in a lane is 4096 times itself; where requantization wants
 * sums doubled, it comes down to that.
 */
#include "edgeq_dsp.h"
#include "edgeq_int4_dsp.h"
#include "edgeq_kernels_dsp.h"
#include "edgeq_kernels_s4.h"

/* The words of four channels that do not depend on the taps. */
#define MOST_WORDS 16
#define HIGHEST 0xf000f000u

static inline int32_t *copied(int32_t *to, const int32_t *from, int32_t count)
{
    for (; count > 0; --count) {
        *to++ = *from++;
    }
    return to;
}

/* Both lanes, of multiples of 4096, as multiples of 2. */
static inline uint32_t doubled(uint32_t lanes)
{
    return ((uint32_t)(edgeq_wrap_s32(lanes) >> 11) & 0xffff0000u) |
           ((uint32_t)(edgeq_wrap_s32(lanes << 16) >> 27) & 0xffffu);
}

/* The tables of `records` times four channels. */
static void unpack(const int32_t *packed, int32_t records, int32_t taps, bool one_shift, int32_t *to)
{
    for (; records > 0; --records) {
        int32_t tap;
        uint32_t fields = 0;

        to = copied(to, packed, EDGEQ_FOUR);
        packed += EDGEQ_FOUR;
        for (tap = 0; tap < taps; ++tap, fields <<= 8) {
            uint32_t even, odd;

            if ((tap & 1) == 0) {
                fields = (uint32_t)*packed++;
            }
            even = fields & HIGHEST;
            odd = (fields << 4) & HIGHEST;
            *to++ = edgeq_wrap_s32(one_shift ? even : doubled(even));
            *to++ = edgeq_wrap_s32(one_shift ? odd : doubled(odd));
        }
        to = copied(to, packed, (one_shift ? 2 : 3) * EDGEQ_FOUR);
        packed += (one_shift ? 2 : 3) * EDGEQ_FOUR;
    }
}

arm_cmsis_nn_status edgeq_depthwise_conv_dsp_s4(const cmsis_nn_context *ctx,
                                                const cmsis_nn_dw_conv_params *dw_conv_params,
                                                const cmsis_nn_dims *input_dims,
                                                const int8_t *input_data,
                                                const cmsis_nn_dims *filter_dims,
                                                const int32_t *packed,
                                                bool one_shift,
                                                const cmsis_nn_dims *output_dims,
                                                int8_t *output_data)
{
    const int32_t taps = filter_dims->h * filter_dims->w;
    const int32_t records = (input_dims->c + EDGEQ_FOUR - 1) / EDGEQ_FOUR;
    int32_t *const table = ctx->buf;

    if (filter_dims->h < 1 || filter_dims->w < 1 || input_dims->c < EDGEQ_FOUR || table == NULL ||
        ctx->size < records * (MOST_WORDS + 2 * taps) * (int32_t)sizeof(*table)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    unpack(packed, records, taps, one_shift, table);
    return edgeq_depthwise_conv_dsp_s8(dw_conv_params, input_dims, input_data, filter_dims, table, one_shift, output_dims,
                                       output_data);
}
