/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise filters of -1, 0 and 1 for cores with the DSP extension, four channels at a time, which a word of pixels holds:
 * a tap's weights are two words, of which one keeps or drops bytes and the other inverts them, as -x = ~x + 1. Two SXTAB16
 * add what is left to four sums in lanes of 16 bits. What inverted bytes lack is part of where sums start, which
 * requantization knows; it takes a sum from its lane.
 */
#ifndef EDGEQ_NARROW_FILTERS_H
#define EDGEQ_NARROW_FILTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"
#include "edgeq_half_sums.h"
#include "edgeq_narrow.h"
#include "edgeq_window.h"

#define EDGEQ_FILTERS 4

/* What all windows of a layer have in common. */
typedef struct {
    const int32_t *masks; /* by four channels, of each tap the words keep and invert */
    const int32_t *quant;
    int32_t channels;
    int32_t taps;
    int32_t words; /* of quant, by channel: three where there are gaps, two elsewhere */
    int32_t middle;
    int32_t x_row;   /* bytes from row to row of taps on the image */
    int32_t x_col;   /* bytes from tap to tap */
    int32_t x_pixel; /* bytes from window to window */
    bool is_limited; /* whether the activation is narrower than int8 */
    int32_t low;
    int32_t high;
} edgeq_filters;

/* Two sums in lanes each, of channels 0 and 2 and of 1 and 3. */
typedef struct {
    uint32_t even;
    uint32_t odd;
} edgeq_lane_sums;

/* Adds a tap's four pixels. */
static inline edgeq_lane_sums edgeq_add_masked(edgeq_lane_sums s, uint32_t pixels, edgeq_word_pair masks)
{
    const uint32_t with_signs = (pixels & masks.first) ^ masks.second;
    s.even = edgeq_add_even_bytes(s.even, with_signs);
    s.odd = edgeq_add_odd_bytes(s.odd, with_signs);
    return s;
}

#if defined(__ARM_FEATURE_DSP)
/* The result of a lane, to y, by the words at q. */
#define EDGEQ_SCALED(half, lanes)                                \
    "ldrd %[m], %[n], [%[q]], #8\n\t"                            \
    "smlaw" half " %[v], %[m], %[" lanes "], %[n]\n\t"
#define EDGEQ_STORED                                             \
    "ssat %[v], #8, %[v], asr " EDGEQ_HALF_POINT_TEXT "\n\t"     \
    "strb %[v], [%[y]], #1\n\t"
#define EDGEQ_PLAIN(half, lanes) EDGEQ_SCALED(half, lanes) EDGEQ_STORED
#define EDGEQ_WITH_GAP(half, lanes)                              \
    EDGEQ_SCALED(half, lanes)                                    \
    "ldr %[m], [%[q]], #4\n\t"                                   \
    "and %[m], %[m], %[v], asr #31\n\t"                          \
    "sub %[v], %[v], %[m]\n\t"                                   \
    "add %[v], %[v], %[middle]\n\t" EDGEQ_STORED
#define EDGEQ_FOUR(one) one("b", "even") one("b", "odd") one("t", "even") one("t", "odd")
#endif

/* The results of four channels, whose words of requantization begin at q; returns those of the next channel. */
static inline const int32_t *edgeq_finish_four(const edgeq_filters *f, edgeq_lane_sums s, const int32_t *q, int8_t *y)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t v, m, n;

    if (f->words == 2) {
        __asm__ volatile(EDGEQ_FOUR(EDGEQ_PLAIN)
                : [v] "=&r"(v), [m] "=&r"(m), [n] "=&r"(n), [q] "+r"(q), [y] "+r"(y)
                : [even] "r"(s.even), [odd] "r"(s.odd)
                : "memory");
    } else {
        __asm__ volatile(EDGEQ_FOUR(EDGEQ_WITH_GAP)
                : [v] "=&r"(v), [m] "=&r"(m), [n] "=&r"(n), [q] "+r"(q), [y] "+r"(y)
                : [even] "r"(s.even), [odd] "r"(s.odd), [middle] "r"(f->middle)
                : "memory");
    }
#else
    int32_t c;

    for (c = 0; c < EDGEQ_FILTERS; ++c, q += f->words) {
        const edgeq_half_quant quant = {q[0], q[1], f->words > 2 ? q[2] : 0, f->middle};
        const uint32_t lanes = (c & 1) == 0 ? s.even : s.odd;
        const int32_t scaled = c < 2 ? edgeq_scale_low_half(quant.multiplier, lanes, quant.addend)
                                     : edgeq_scale_high_half(quant.multiplier, lanes, quant.addend);
        *y++ = edgeq_finish_half_s8(scaled, quant);
    }
#endif
    return q;
}

/* The first of the four channels after those that begin with c; the last four come together, whichever they are. */
static inline int32_t edgeq_next_filters(int32_t c, int32_t channels)
{
    const int32_t last = channels - EDGEQ_FILTERS;
    return c + EDGEQ_FILTERS < last ? c + EDGEQ_FILTERS : last;
}

/* Words of the masks of all channels. */
static inline int32_t edgeq_masks_size(int32_t taps, int32_t channels)
{
    return (channels + EDGEQ_FILTERS - 1) / EDGEQ_FILTERS * taps * 2;
}

static EDGEQ_NOINLINE void edgeq_unpack_filters(const edgeq_narrow_filters *filters, int32_t taps, int32_t channels,
                                                int32_t *masks)
{
    int32_t c = 0;

    for (;;) {
        uint32_t at = (uint32_t)c;
        int32_t tap;

        for (tap = 0; tap < taps; ++tap, at += (uint32_t)channels, masks += 2) {
            uint32_t keep = ~0u;
            uint32_t invert;
            if (filters->is_binary) {
                const uint32_t signs = edgeq_load_s8x4(filters->packed + (at >> 3)) >> (at & 7u) & 15u;
                invert = (signs * 0x00204081u & 0x01010101u) * 255u;
            } else {
                uint32_t each = edgeq_load_s8x4(filters->packed + (at >> 2)) >> (2u * (at & 3u)) & 255u;
                each = (each | each << 12) & 0x000f000fu;
                each = (each | each << 6) & 0x03030303u;
                keep = (each & 0x01010101u) * 255u;
                invert = (each >> 1 & 0x01010101u) * 255u;
            }
            masks[0] = edgeq_wrap_s32(keep);
            masks[1] = edgeq_wrap_s32(invert);
        }
        if (c == channels - EDGEQ_FILTERS) {
            return;
        }
        c = edgeq_next_filters(c, channels);
    }
}

/* What is common to all windows, the masks unpacked to where they shall be. */
static inline edgeq_filters edgeq_begin_filters(const cmsis_nn_dw_conv_params *p, const edgeq_narrow_filters *filters,
                                                const cmsis_nn_dims *in, int32_t taps, int32_t *masks)
{
    edgeq_filters f;

    f.masks = masks;
    f.quant = filters->quant;
    f.channels = in->c;
    f.taps = taps;
    f.words = filters->has_gaps ? 3 : 2;
    f.middle = filters->middle;
    f.x_row = p->dilation.h * in->w * in->c;
    f.x_col = p->dilation.w * in->c;
    f.x_pixel = p->stride.w * in->c;
    f.low = p->activation.min;
    f.high = p->activation.max;
    f.is_limited = f.low > -128 || f.high < 127;
    edgeq_unpack_filters(filters, taps, in->c, masks);
    return f;
}

/* Limits narrower than int8 are for the caller of the above. */
static inline void edgeq_limit_pixels(const edgeq_filters *f, int8_t *y, int32_t pixels)
{
    int32_t left;

    for (left = f->is_limited ? pixels * f->channels : 0; left > 0; --left, ++y) {
        *y = (int8_t)edgeq_clamp(*y, f->low, f->high);
    }
}

#endif
