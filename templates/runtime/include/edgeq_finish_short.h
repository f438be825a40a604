/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How accumulators of layers with a ReLU become int8 in a few instructions, by words of a table at the end of a
 * channel's record: three on cores with 64-bit products (ARMv7-M), four on others (ARMv6-M), see edgeq's
 * kernels/short_quant.py. A host knows both; kernels for the cores have the same by hand.
 */
#ifndef EDGEQ_FINISH_SHORT_H
#define EDGEQ_FINISH_SHORT_H

#include <stdbool.h>
#include <stdint.h>

#include "edgeq_fixedpoint.h"

/* Words of one channel. */
static inline int32_t edgeq_short_words(bool is_narrow)
{
    return is_narrow ? 4 : 3;
}

/* By four words, before it is an int8. */
static inline int32_t edgeq_finish_four_words(int32_t sum, const int32_t *k)
{
    const uint32_t a = (uint32_t)edgeq_clamp(sum, 0, k[2]);
    return edgeq_wrap_s32(a * (uint32_t)k[0] + ((a * (uint32_t)k[1]) >> 13) + (uint32_t)k[3]) >> 22;
}

/* The result of an accumulator, by the channel's words at k. */
static inline int8_t edgeq_finish_short(bool is_narrow, int32_t sum, const int32_t *k)
{
    if (is_narrow) {
        return (int8_t)edgeq_finish_four_words(sum, k);
    }
    const int64_t begin = (int64_t)(((uint64_t)(uint32_t)k[2] << 32) | (uint32_t)k[1]);
    const int64_t product = (int64_t)sum * k[0];
    return (int8_t)edgeq_clamp((int32_t)((begin + product) >> 35), -128, 127);
}

#if defined(__arm__) && !defined(__ARM_FEATURE_DSP) && __ARM_ARCH < 7
/* The same by hand: of the sum in r3, by the words in r4-r7, into r3; takes r2. `limited` is a label. */
#define EDGEQ_SHORT_RESULT(limited) \
    "asrs r2, r3, #31\n\t"          \
    "bics r3, r3, r2\n\t"           \
    "cmp r3, r6\n\t"                \
    "ble " limited "f\n\t"          \
    "mov r3, r6\n"                  \
    limited ":\n\t"                 \
    "mov r2, r3\n\t"                \
    "muls r2, r5, r2\n\t"           \
    "lsrs r2, r2, #13\n\t"          \
    "muls r3, r4, r3\n\t"           \
    "adds r3, r3, r2\n\t"           \
    "adds r3, r3, r7\n\t"           \
    "asrs r3, r3, #22\n\t"
#endif

#endif
