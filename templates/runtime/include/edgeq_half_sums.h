/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of few products with weights of -1, 0 and 1: two of them in a word, requantized from either half of it (edgeq's
 * kernels/half_word_sums.py).
 */
#ifndef EDGEQ_HALF_SUMS_H
#define EDGEQ_HALF_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "edgeq_dsp.h"

/* What sums start with, and the bits of results behind the point. */
#define EDGEQ_HALF_START 4096
#define EDGEQ_HALF_POINT 13
#define EDGEQ_HALF_POINT_TEXT "#13"
/* Both in a word of two sums. */
#define EDGEQ_HALF_STARTS 0x10001000u

/* How one channel's sums become int8. */
typedef struct {
    int32_t multiplier;
    int32_t addend;
    int32_t gap; /* what negative results are too high */
    int32_t middle;
} edgeq_half_quant;

/* addend + floor(multiplier * the low lane of sums / 2^16) */
static inline int32_t edgeq_scale_low_half(int32_t multiplier, uint32_t sums, int32_t addend)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t scaled;
    __asm__("smlawb %0, %1, %2, %3" : "=r"(scaled) : "r"(multiplier), "r"(sums), "r"(addend));
    return scaled;
#else
    return addend + (int32_t)(((int64_t)multiplier * edgeq_lane(sums, 0)) >> 16);
#endif
}

static inline int32_t edgeq_scale_high_half(int32_t multiplier, uint32_t sums, int32_t addend)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t scaled;
    __asm__("smlawt %0, %1, %2, %3" : "=r"(scaled) : "r"(multiplier), "r"(sums), "r"(addend));
    return scaled;
#else
    return edgeq_scale_low_half(multiplier, sums >> 16, addend);
#endif
}

/* The result of what one of these gives. */
static inline int8_t edgeq_finish_half_s8(int32_t scaled, edgeq_half_quant quant)
{
    const int32_t sum = scaled + quant.middle - (scaled < 0 ? quant.gap : 0);
    return (int8_t)edgeq_ssat8(sum >> EDGEQ_HALF_POINT);
}

#endif
