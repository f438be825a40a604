/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How accumulators become int8 on cores without the DSP extension, by words of a table at the end of a channel's record.
 *
 * Cores with 64-bit products (ARMv7-M) take the three words of edgeq_channel_quant, others (ARMv6-M) the six of edgeq's
 * kernels/narrow_quant.py, where it is described why they are exact. A host knows both.
 */
#ifndef EDGEQ_FINISH_H
#define EDGEQ_FINISH_H

#include <stdbool.h>
#include <stdint.h>

#include "edgeq_dsp.h"

/* What the finishing of a layer needs beside the table. */
typedef struct {
    bool is_narrow;  /* six words, which limit the result themselves; three otherwise */
    bool is_limited; /* whether the activation is narrower than int8 */
    int32_t low;
    int32_t high;
} edgeq_finishing;

#if defined(__arm__)
#define EDGEQ_KNOWS_WIDE (__ARM_ARCH >= 7)
#define EDGEQ_KNOWS_NARROW (__ARM_ARCH < 7)
#else
#define EDGEQ_KNOWS_WIDE 1
#define EDGEQ_KNOWS_NARROW 1
#endif

/* Whether this core knows the table. */
static inline bool edgeq_can_finish(const edgeq_finishing *f)
{
    return f->is_narrow ? EDGEQ_KNOWS_NARROW : EDGEQ_KNOWS_WIDE;
}

static inline bool edgeq_is_narrow(const edgeq_finishing *f)
{
    return EDGEQ_KNOWS_NARROW && (!EDGEQ_KNOWS_WIDE || f->is_narrow);
}

/* Words of one channel. */
static inline int32_t edgeq_finish_words(const edgeq_finishing *f)
{
    return edgeq_is_narrow(f) ? 6 : 3;
}

/* Apart, as it is rarely needed: a product of 64 bits where there is none. */
static __attribute__((noinline, unused)) int32_t edgeq_finish_rarely(int32_t sum, const int32_t *k)
{
    const edgeq_channel_quant quant = {k[1], k[2], k[3]};
    return edgeq_clamp(edgeq_finish_s8(2 * sum, quant), k[4], k[5]);
}

static inline int32_t edgeq_finish_narrow(int32_t sum, const int32_t *k)
{
    const int32_t m1 = k[0];
    int32_t a = sum;

    if (m1 < 0) {
        return edgeq_finish_rarely(sum, k);
    }
    a = a < k[2] ? k[2] : a;
    a = a > k[3] ? k[3] : a;
    return (a * m1 + ((a * k[1]) >> 13) + k[4] - (k[5] & (a >> 31))) >> 22;
}

/* By a 64-bit product, and on ARMv7-M saturation. */
static inline int32_t edgeq_finish_wide(int32_t sum, const int32_t *k)
{
#if defined(__arm__) && !defined(__ARM_FEATURE_DSP) && __ARM_ARCH >= 7
    int32_t y, low;

    __asm__("smull %1, %0, %2, %3\n\t"
            "adds %1, %1, #0x80000000\n\t"
            "adc %0, %0, %4\n\t"
            "add %0, %0, %2, asr #31\n\t"
            "asr %0, %0, %5\n\t"
            "ssat %0, #8, %0"
            : "=&r"(y), "=&r"(low)
            : "r"(2 * sum), "r"(k[0]), "r"(k[1]), "r"(k[2])
            : "cc");
    return y;
#else
    const edgeq_channel_quant quant = {k[0], k[1], k[2]};
    return edgeq_finish_s8(2 * sum, quant);
#endif
}

/* The result of an accumulator, by the channel's words at k. */
static inline int8_t edgeq_finish(const edgeq_finishing *f, int32_t sum, const int32_t *k)
{
    int32_t y;

    if (edgeq_is_narrow(f)) {
        return (int8_t)edgeq_finish_narrow(sum, k);
    }
    y = edgeq_finish_wide(sum, k);
    return (int8_t)(f->is_limited ? edgeq_clamp(y, f->low, f->high) : y);
}

#endif
