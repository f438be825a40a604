/* SPDX-License-Identifier: Apache-2.0 */
/* Signs as bits: how int8 becomes bits, and how bits are counted. Words are compared and counted by their fields. */
#ifndef EDGEQ_BITS_H
#define EDGEQ_BITS_H

#include <stdbool.h>
#include <stddef.h>
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

/* Every second bit, pair of bits and nibble, in registers: as a constant each would cost a shift more. */
typedef struct {
    uint32_t bits, pairs, nibbles;
} edgeq_fields;

static inline edgeq_fields edgeq_make_fields(void)
{
    edgeq_fields f = {0x55555555u, 0x33333333u, 0x0f0f0f0fu};
    __asm__("" : "+r"(f.bits), "+r"(f.pairs), "+r"(f.nibbles));
    return f;
}

/* How many bits of each nibble of x are set. */
static inline uint32_t edgeq_bits_of_nibbles(edgeq_fields f, uint32_t x)
{
    x -= (x >> 1) & f.bits;
    return (x & f.pairs) + ((x >> 2) & f.pairs);
}

/* sum + the eight nibbles of x, which are at most 15 each. */
static inline int32_t edgeq_add_nibbles(edgeq_fields f, int32_t sum, uint32_t x)
{
    return edgeq_add_four_bytes(sum, (x & f.nibbles) + ((x >> 4) & f.nibbles));
}

/* How many bits of words x[0], x[step], ... and w[0], w[1], ... differ; of those bits only that the word behind each x has,
 * if is_masked. */
static inline int32_t edgeq_differing(edgeq_fields f, const uint32_t *x, int32_t step, bool is_masked, const int32_t *w,
                                      int32_t words)
{
    int32_t sum = 0;

#define WORD(i) edgeq_bits_of_nibbles(f, (x[(i) * step] ^ (uint32_t)w[i]) & (is_masked ? x[(i) * step + 1] : 0xffffffffu))
    for (; words >= 3; words -= 3, x += 3 * step, w += 3) {
        sum = edgeq_add_nibbles(f, sum, WORD(0) + WORD(1) + WORD(2));
    }
    if (words > 0) {
        sum = edgeq_add_nibbles(f, sum, words > 1 ? WORD(0) + WORD(1) : WORD(0));
    }
#undef WORD
    return sum;
}

#if defined(__ARM_FEATURE_DSP)
/* A threshold, int8, for edgeq_reach: four times. */
typedef uint32_t edgeq_threshold;

static inline edgeq_threshold edgeq_make_threshold(int32_t threshold)
{
    return ((uint32_t)threshold & 0xffu) * 0x01010101u;
}

/* In each byte 1 where the int8 of it is not below the threshold, else 0. */
static inline uint32_t edgeq_reach(edgeq_threshold t, uint32_t bytes)
{
    uint32_t reached;
    __asm__("ssub8 %0, %1, %2\n\t"
            "sel %0, %3, %4"
            : "=&r"(reached)
            : "r"(bytes), "r"(t), "r"(0x01010101u), "r"(0)
            : "cc");
    return reached;
}
#else
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

static inline uint32_t edgeq_reach(edgeq_threshold t, uint32_t bytes)
{
    const uint32_t level = bytes ^ 0x80808080u;
    /* the highest bit of each byte: whether the lower seven are not below the threshold's */
    const uint32_t low = (level | 0x80808080u) - t.low;
    const uint32_t reached = (level & low) | ((level | low) & ~t.high);
    return (reached >> 7) & 0x01010101u;
}
#endif

/* Bits 0, 8, 16 and 24 of both side by side. */
static inline uint32_t edgeq_side_by_side(uint32_t first, uint32_t second)
{
    /* No two bits of a factor each meet in a sum: 8 j + 3 + 7 i are all different, and so are those four higher. */
    return ((first | second << 4) * 0x01020408u) >> 24;
}

/* Bit i of to[i / 8]: whether x[i] is not below the threshold; bits from `count` on are 0. */
static inline void edgeq_pack_signs(edgeq_threshold t, int32_t threshold, const int8_t *x, int32_t count, void *to)
{
    uint8_t *bytes = to;
    int32_t i = 0;

#define EIGHT(i) edgeq_side_by_side(edgeq_reach(t, edgeq_load_s8x4(x + (i))), edgeq_reach(t, edgeq_load_s8x4(x + (i) + 4)))
    for (; count >= 16; count -= 16, x += 16) {
        const uint32_t first = EIGHT(0);
        *bytes++ = (uint8_t)first;
        *bytes++ = (uint8_t)EIGHT(8);
    }
    if (count >= 8) {
        *bytes++ = (uint8_t)EIGHT(0);
        count -= 8;
        x += 8;
    }
#undef EIGHT
    if (count > 0) {
        uint32_t rest = 0;
        if (count >= 4) {
            rest = edgeq_side_by_side(edgeq_reach(t, edgeq_load_s8x4(x)), 0u);
            i = 4;
        }
        for (; i < count; ++i) {
            rest |= (uint32_t)(x[i] >= threshold) << i;
        }
        *bytes = (uint8_t)rest;
    }
}

/* The same in words to[0], to[step], ... in another order, which takes fewer instructions: bit 8 j + i of each is input
 * 4 i + j of its 32. */
static inline void edgeq_pack_words(edgeq_threshold t, int32_t threshold, const int8_t *x, int32_t count, uint32_t *to,
                                    int32_t step)
{
#define FOUR(i) edgeq_reach(t, edgeq_load_s8x4(x + 4 * (i))) << (i)
    for (; count >= 32; count -= 32, x += 32, to += step) {
        *to = FOUR(0) | FOUR(1) | FOUR(2) | FOUR(3) | FOUR(4) | FOUR(5) | FOUR(6) | FOUR(7);
    }
    if (count > 0) {
        uint32_t word = 0;
        int32_t i, j;
        for (i = 0; 4 * i + 4 <= count; ++i) {
            word |= FOUR(i);
        }
        for (j = 4 * i; j < count; ++j) {
            word |= (uint32_t)(x[j] >= threshold) << (8 * (j & 3) + i);
        }
        *to = word;
    }
#undef FOUR
}

#endif
