/* SPDX-License-Identifier: Apache-2.0 */
/* Signs as bits: how int8 becomes bits, and how bits are counted. Words are compared and counted by their fields. */
#ifndef EDGEQ_BITS_H
#define EDGEQ_BITS_H

#include <stdint.h>

#include "edgeq_dsp.h"

/* sum + the four bytes of x, which are at most 63 each. */
static inline int32_t edgeq_add_four_bytes(int32_t sum, uint32_t x)
{
#if defined(__ARM_FEATURE_DSP)
    __asm__("usada8 %0, %1, %2, %0" : "+r"(sum) : "r"(x), "r"(0));
    return sum;
#else
    return sum + (int32_t)((x * 0x01010101u) >> 24);
#endif
}

/* How many bits of each nibble of x are set. */
static inline uint32_t edgeq_bits_of_nibbles(uint32_t x)
{
    x -= (x >> 1) & 0x55555555u;
    return (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
}

/* sum + the eight nibbles of x, which are at most 15 each. */
static inline int32_t edgeq_add_nibbles(int32_t sum, uint32_t x)
{
    return edgeq_add_four_bytes(sum, (x & 0x0f0f0f0fu) + ((x >> 4) & 0x0f0f0f0fu));
}

/* A threshold, int8, for edgeq_reach. */
typedef struct {
    uint32_t low;  /* of each byte the lower seven bits of it plus 128 */
    uint32_t high; /* all bits where that has an eighth */
} edgeq_threshold;

static inline edgeq_threshold edgeq_make_threshold(int32_t threshold)
{
    const uint32_t level = (uint32_t)threshold + 128u;
    edgeq_threshold t;
    t.low = (level & 0x7fu) * 0x01010101u;
    t.high = level > 127u ? 0xffffffffu : 0u;
    return t;
}

/* Bits 0 to 3: whether the int8 of bytes 0 to 3 are not below the threshold. */
static inline uint32_t edgeq_reach(edgeq_threshold t, uint32_t bytes)
{
    const uint32_t level = bytes ^ 0x80808080u;
    /* the highest bit of each byte: whether the lower seven are not below the threshold's */
    const uint32_t low = (level | 0x80808080u) - t.low;
    const uint32_t reached = (level & low) | ((level | low) & ~t.high);
    return (((reached >> 7) & 0x01010101u) * 0x10204080u) >> 28;
}

/* Bit i of to[i / 8]: whether x[i] is not below the threshold; bits from `count` on are 0. */
static inline void edgeq_pack_signs(edgeq_threshold t, int32_t threshold, const int8_t *x, int32_t count, int8_t *to)
{
    int32_t i;

    for (; count >= 8; count -= 8, x += 8) {
        const uint32_t byte = edgeq_reach(t, edgeq_load_s8x4(x)) | edgeq_reach(t, edgeq_load_s8x4(x + 4)) << 4;
        *to++ = (int8_t)((int32_t)(byte ^ 0x80u) - 128);
    }
    if (count > 0) {
        uint32_t byte = 0;
        for (i = 0; i < count; ++i) {
            byte |= (uint32_t)(x[i] >= threshold) << i;
        }
        *to = (int8_t)((int32_t)(byte ^ 0x80u) - 128);
    }
}

#endif
