/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two 16-bit lanes in a 32-bit word, as the DSP extension of ARMv7E-M and ARMv8-M computes with them. Each function is
 * one instruction there and portable C elsewhere, with equal results. The low lane is bits 0 to 15; of a word of four
 * bytes, byte 0 is the lowest, on any host.
 */
#ifndef EDGEQ_DSP_H
#define EDGEQ_DSP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "edgeq_fixedpoint.h"

/* Two neighbouring words of a table. */
typedef struct {
    uint32_t first;
    uint32_t second;
} edgeq_word_pair;

#if defined(__ARM_FEATURE_DSP)

/*
 * The four bytes at x, at any alignment. Assembly from here on, where the compiler finds no way of its own to the
 * instruction: rotated extensions, LDRD with its pointer moved on, SMMULR.
 */
static inline uint32_t edgeq_load_s8x4(const int8_t *x)
{
    uint32_t word;
    memcpy(&word, x, sizeof(word));
    return word;
}

/* lanes(base) + (byte 0, byte 2) of x, sign extended; lanes wrap. */
static inline uint32_t edgeq_add_even_bytes(uint32_t base, uint32_t x)
{
    uint32_t sum;
    __asm__("sxtab16 %0, %1, %2" : "=r"(sum) : "r"(base), "r"(x));
    return sum;
}

/* lanes(base) + (byte 1, byte 3) of x, sign extended; lanes wrap. */
static inline uint32_t edgeq_add_odd_bytes(uint32_t base, uint32_t x)
{
    uint32_t sum;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(sum) : "r"(base), "r"(x));
    return sum;
}

/* (byte 0, byte 2) of x, sign extended. */
static inline uint32_t edgeq_even_bytes(uint32_t x)
{
    uint32_t lanes;
    __asm__("sxtb16 %0, %1" : "=r"(lanes) : "r"(x));
    return lanes;
}

/* (byte 1, byte 3) of x, sign extended. */
static inline uint32_t edgeq_odd_bytes(uint32_t x)
{
    uint32_t lanes;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(lanes) : "r"(x));
    return lanes;
}

/* lanes(a) - lanes(b); lanes wrap. */
static inline uint32_t edgeq_sub_lanes(uint32_t a, uint32_t b)
{
    uint32_t lanes;
    __asm__("ssub16 %0, %1, %2" : "=r"(lanes) : "r"(a), "r"(b));
    return lanes;
}

/* sum + low lane of a * low lane of b. */
static inline int32_t edgeq_mac_low(uint32_t a, uint32_t b, int32_t sum)
{
    __asm__("smlabb %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* sum + high lane of a * high lane of b. */
static inline int32_t edgeq_mac_high(uint32_t a, uint32_t b, int32_t sum)
{
    __asm__("smlatt %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* sum + both products of lanes. */
static inline int32_t edgeq_mac_both(uint32_t a, uint32_t b, int32_t sum)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* sum + both products of lanes, modulo 2^32. */
static inline uint32_t edgeq_mac_both_wrapping(uint32_t a, uint32_t b, uint32_t sum)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* base + round(a * b / 2^32), ties up; the sum must not overflow. */
static inline int32_t edgeq_add_mul_high(int32_t base, int32_t a, int32_t b)
{
    int32_t sum;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(base));
    return sum;
}

/* base + floor(a * b / 2^32); the sum must not overflow. */
static inline int32_t edgeq_add_mul_top(int32_t base, int32_t a, int32_t b)
{
    int32_t sum;
    __asm__("smmla %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(base));
    return sum;
}

/* (low lane of a, low lane of b). */
static inline uint32_t edgeq_low_lanes(uint32_t a, uint32_t b)
{
    uint32_t lanes;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(lanes) : "r"(a), "r"(b));
    return lanes;
}

/* (high lane of a, high lane of b). */
static inline uint32_t edgeq_high_lanes(uint32_t a, uint32_t b)
{
    uint32_t lanes;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(lanes) : "r"(b), "r"(a));
    return lanes;
}

/* x limited to int8's range. */
static inline int32_t edgeq_ssat8(int32_t x)
{
    int32_t limited;
    __asm__("ssat %0, #8, %1" : "=r"(limited) : "r"(x));
    return limited;
}

/* Two words of a constant table, which is aligned to words, and the pointer moved past them. */
static inline edgeq_word_pair edgeq_next_pair(const int32_t **table)
{
    const int32_t *at = *table;
    edgeq_word_pair pair;
    __asm__("ldrd %0, %1, [%2], #8" : "=r"(pair.first), "=r"(pair.second), "+r"(at));
    *table = at;
    return pair;
}

/* Two words to `to`, which is aligned to words; returns what is behind them. */
static inline uint32_t *edgeq_put_pair(uint32_t *to, uint32_t first, uint32_t second)
{
    __asm__ volatile("strd %1, %2, [%0], #8" : "+r"(to) : "r"(first), "r"(second) : "memory");
    return to;
}

/* The sum of the inputs from x to `end`, a multiple of eight above 0. */
static inline int32_t edgeq_sum_of_eights(const int8_t *x, const int8_t *end)
{
    int32_t sum = -128 * (int32_t)(end - x);

    do {
        const uint32_t first = edgeq_load_s8x4(x) ^ 0x80808080u;
        const uint32_t second = edgeq_load_s8x4(x + 4) ^ 0x80808080u;
        __asm__("usada8 %0, %1, %3, %0\n\t"
                "usada8 %0, %2, %3, %0"
                : "+&r"(sum)
                : "r"(first), "r"(second), "r"(0));
        x += 8;
    } while (x != end);
    return sum;
}

#else

static inline int32_t edgeq_lane(uint32_t x, uint32_t bits)
{
    const uint32_t lane = (x >> bits) & 0xffffu;
    return (int32_t)lane - (lane >= 0x8000u ? 0x10000 : 0);
}

static inline int32_t edgeq_byte(uint32_t x, uint32_t bits)
{
    const uint32_t byte = (x >> bits) & 0xffu;
    return (int32_t)byte - (byte >= 0x80u ? 0x100 : 0);
}

static inline uint32_t edgeq_lanes(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xffffu) | ((uint32_t)high << 16);
}

static inline uint32_t edgeq_load_s8x4(const int8_t *x)
{
    return ((uint32_t)x[0] & 0xffu) | (((uint32_t)x[1] & 0xffu) << 8) | (((uint32_t)x[2] & 0xffu) << 16) |
           ((uint32_t)x[3] << 24);
}

static inline uint32_t edgeq_add_even_bytes(uint32_t base, uint32_t x)
{
    return edgeq_lanes(edgeq_lane(base, 0) + edgeq_byte(x, 0), edgeq_lane(base, 16) + edgeq_byte(x, 16));
}

static inline uint32_t edgeq_add_odd_bytes(uint32_t base, uint32_t x)
{
    return edgeq_lanes(edgeq_lane(base, 0) + edgeq_byte(x, 8), edgeq_lane(base, 16) + edgeq_byte(x, 24));
}

static inline uint32_t edgeq_even_bytes(uint32_t x)
{
    return edgeq_add_even_bytes(0u, x);
}

static inline uint32_t edgeq_odd_bytes(uint32_t x)
{
    return edgeq_add_odd_bytes(0u, x);
}

static inline uint32_t edgeq_sub_lanes(uint32_t a, uint32_t b)
{
    return edgeq_lanes(edgeq_lane(a, 0) - edgeq_lane(b, 0), edgeq_lane(a, 16) - edgeq_lane(b, 16));
}

static inline int32_t edgeq_mac_low(uint32_t a, uint32_t b, int32_t sum)
{
    return sum + edgeq_lane(a, 0) * edgeq_lane(b, 0);
}

static inline int32_t edgeq_mac_high(uint32_t a, uint32_t b, int32_t sum)
{
    return sum + edgeq_lane(a, 16) * edgeq_lane(b, 16);
}

static inline int32_t edgeq_mac_both(uint32_t a, uint32_t b, int32_t sum)
{
    return edgeq_mac_high(a, b, edgeq_mac_low(a, b, sum));
}

static inline uint32_t edgeq_mac_both_wrapping(uint32_t a, uint32_t b, uint32_t sum)
{
    return sum + (uint32_t)(edgeq_lane(a, 0) * edgeq_lane(b, 0)) + (uint32_t)(edgeq_lane(a, 16) * edgeq_lane(b, 16));
}

static inline int32_t edgeq_add_mul_high(int32_t base, int32_t a, int32_t b)
{
    return base + (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
}

static inline int32_t edgeq_add_mul_top(int32_t base, int32_t a, int32_t b)
{
    return base + (int32_t)(((int64_t)a * b) >> 32);
}

static inline uint32_t edgeq_low_lanes(uint32_t a, uint32_t b)
{
    return (a & 0xffffu) | (b << 16);
}

static inline uint32_t edgeq_high_lanes(uint32_t a, uint32_t b)
{
    return (a >> 16) | (b & 0xffff0000u);
}

static inline int32_t edgeq_ssat8(int32_t x)
{
    return edgeq_clamp(x, -128, 127);
}

static inline edgeq_word_pair edgeq_next_pair(const int32_t **table)
{
    edgeq_word_pair pair;
    pair.first = (uint32_t)(*table)[0];
    pair.second = (uint32_t)(*table)[1];
    *table += 2;
    return pair;
}

static inline uint32_t *edgeq_put_pair(uint32_t *to, uint32_t first, uint32_t second)
{
    to[0] = first;
    to[1] = second;
    return to + 2;
}

static inline int32_t edgeq_sum_of_eights(const int8_t *x, const int8_t *end)
{
    int32_t sum = 0;

    while (x != end) {
        sum += *x++;
    }
    return sum;
}

#endif

/* How one channel's accumulators become int8; three words of a table, made by edgeq (kernels/packing.py). */
typedef struct {
    int32_t multiplier;
    int32_t addend;
    int32_t shift;
} edgeq_channel_quant;

/* The three words at *table, and the pointer moved past them. */
static inline edgeq_channel_quant edgeq_next_quant(const int32_t **table)
{
    const edgeq_word_pair pair = edgeq_next_pair(table);
    edgeq_channel_quant quant;
    quant.multiplier = (int32_t)pair.first;
    quant.addend = (int32_t)pair.second;
    quant.shift = *(*table)++;
    return quant;
}

/*
 * edgeq_requantize plus the output offset, saturated to int8, of half of `doubled`: the same two roundings in fewer
 * instructions. For a right shift s >= 1:
 *   y = round(x * m / 2^31), ties up        = round(2x * m / 2^32), ties up: SMMLAR, which also adds what follows;
 *   round(y / 2^s), ties away, + offset     = (y - [y < 0] + 2^(s-1) + offset * 2^s) >> s, as ties of negative y fall.
 * `addend` is 2^(s-1) + offset * 2^s. In place of y < 0 serves x < 0: where y is 0 nothing hangs on it. That no sum
 * overflows has been proven when the table was made.
 */
static inline int32_t edgeq_finish_s8(int32_t doubled, edgeq_channel_quant quant)
{
    return edgeq_ssat8(edgeq_add_mul_high(quant.addend + (doubled >> 31), doubled, quant.multiplier) >> quant.shift);
}

/*
 * The same where the offset is -128: what ties of negative y round to is below it either way.
 */
static inline int32_t edgeq_finish_above_s8(int32_t doubled, edgeq_channel_quant quant)
{
    return edgeq_ssat8(edgeq_add_mul_high(quant.addend, doubled, quant.multiplier) >> quant.shift);
}

/* The one shift that all channels of a layer have where edgeq_finish_at_once_s8 serves (kernels/one_shift.py). */
#define EDGEQ_ONE_SHIFT 12
#define EDGEQ_ONE_SHIFT_TEXT "#12"

/*
 * The same in two instructions, SMMLA and SSAT, of a sum that comes multiplied by the power of two that the table was made
 * for; it has two words a channel, multiplier and addend. That this rounds as above was looked up when it was made.
 */
static inline int32_t edgeq_finish_at_once_s8(int32_t scaled, edgeq_word_pair quant)
{
    return edgeq_ssat8(edgeq_add_mul_top((int32_t)quant.second, scaled, (int32_t)quant.first) >> EDGEQ_ONE_SHIFT);
}

/*
 * The same where a shift of 0 or less says that factors are a half and more: accumulators are shifted to the left, the
 * product is rounded once, ties up, and `addend` is the offset.
 */
static inline int32_t edgeq_finish_either_s8(int32_t doubled, edgeq_channel_quant quant)
{
    if (quant.shift > 0) {
        return edgeq_finish_s8(doubled, quant);
    }
    return edgeq_ssat8(edgeq_add_mul_high(quant.addend, edgeq_shift_left(doubled, -quant.shift), quant.multiplier));
}

/* The same of a small accumulator, shifted to the left, by two words that belong to it (edgeq's kernels/two_words.py). */
static inline int8_t edgeq_finish_two_words_s8(int32_t shifted, edgeq_word_pair quant)
{
    const int32_t sum = edgeq_add_mul_high((int32_t)quant.second, shifted, (int32_t)quant.first);
#if defined(__ARM_FEATURE_DSP)
    int32_t y;
    __asm__("ssat %0, #8, %1, asr #12" : "=r"(y) : "r"(sum));
    return (int8_t)y;
#else
    return (int8_t)edgeq_clamp(sum >> 12, -128, 127);
#endif
}

/* The same of a few products: y = c - a * m, 18 bits behind the point; sums may wrap around. */
static inline int8_t edgeq_finish_few_s8(int32_t a, int32_t m, uint32_t c)
{
    const uint32_t sum = c - (uint32_t)a * (uint32_t)m;
#if defined(__ARM_FEATURE_DSP)
    int32_t y;
    __asm__("ssat %0, #8, %1, asr #18" : "=r"(y) : "r"(sum));
    return (int8_t)y;
#else
    return (int8_t)edgeq_clamp(edgeq_wrap_s32(sum) >> 18, -128, 127);
#endif
}

#endif
