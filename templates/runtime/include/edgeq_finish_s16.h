/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How sums of int16 layers become int16 on cores with the DSP extension, by words of a table (edgeq's
 * kernels/wide_sums.py): edgeq_requantize_wide of sums that have 32 bits, whose multiplier has 15 and leaves room.
 */
#ifndef EDGEQ_FINISH_S16_H
#define EDGEQ_FINISH_S16_H

#include "edgeq_dsp.h"

/* x limited to int16's range. */
static inline int32_t edgeq_ssat16(int32_t x)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t limited;
    __asm__("ssat %0, #16, %1" : "=r"(limited) : "r"(x));
    return limited;
#else
    return edgeq_clamp(x, -32768, 32767);
#endif
}

/* round(sum * multiplier / 2^32), ties up: where all channels' factors are multiples of 2^-32, in one instruction. */
static inline int32_t edgeq_finish_at_once_s16(int32_t sum, int32_t multiplier)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t y;
    __asm__("smmulr %0, %1, %2" : "=r"(y) : "r"(sum), "r"(multiplier));
    return edgeq_ssat16(y);
#else
    return edgeq_ssat16(edgeq_add_mul_high(0, sum, multiplier));
#endif
}

/* How one channel's sums become int16; four words of a table. */
typedef struct {
    int32_t multiplier;
    int32_t addend;
    int32_t shift;
    int32_t left;
} edgeq_wide_quant;

/* The four words at *table, and the pointer moved past them. */
static inline edgeq_wide_quant edgeq_next_wide_quant(const int32_t **table)
{
    const edgeq_word_pair first = edgeq_next_pair(table);
    const edgeq_word_pair second = edgeq_next_pair(table);
    const edgeq_wide_quant quant = {(int32_t)first.first, (int32_t)first.second, (int32_t)second.first,
                                    (int32_t)second.second};
    return quant;
}

/*
 * round(sum * multiplier / 2^(32 + shift - left)), ties up, for any shift of 1 and more: `addend` is 2^(shift - 1). That
 * sums have room for `left` bits more has been proven.
 */
static inline int32_t edgeq_finish_s16(int32_t sum, edgeq_wide_quant quant)
{
    const int32_t shifted = edgeq_shift_left(sum, quant.left);
    return edgeq_ssat16(edgeq_add_mul_top(quant.addend, shifted, quant.multiplier) >> quant.shift);
}

/* Two int16 at x as lanes, at any alignment, and two results of int16 to there. */
static inline uint32_t edgeq_load_s16x2(const int16_t *x)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t word;
    memcpy(&word, x, sizeof(word));
    return word;
#else
    return edgeq_lanes(x[0], x[1]);
#endif
}

#endif
