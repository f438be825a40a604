/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of depthwise convolutions whose weights are words: three come with one LDM, so that a tap of nine is 2.3
 * instructions on ARMv7-M and 4.3 on ARMv6-M. A channel's table is what its sum begins with, and its weights.
 */
#ifndef EDGEQ_TAP_WORDS_H
#define EDGEQ_TAP_WORDS_H

#include <stdint.h>

/* Steps through a window: bytes from tap to tap and from row to row. */
typedef struct {
    int32_t rows;
    int32_t cols;
    int32_t step;
    int32_t line;
    int32_t channels;
} edgeq_tap_walk;

/* The bias at *table and the sum of nine taps at x; the table is moved behind the weights. */
#if defined(__arm__) && __ARM_ARCH >= 7
#define EDGEQ_TAP_ROW                                 \
    "ldrsb r8, [%[x]]\n\t"                  \
    "mla r4, r8, r5, r4\n\t"                \
    "ldrsb r8, [%[x], %[step]]\n\t"         \
    "mla r4, r8, r6, r4\n\t"                \
    "ldrsb r8, [%[x], %[step], lsl #1]\n\t" \
    "mla r4, r8, r7, r4\n\t"

static inline int32_t edgeq_nine_taps(const int8_t *x, int32_t step, int32_t line, const int32_t **table)
{
    const int32_t *k = *table;
    register int32_t sum __asm__("r4");

    __asm__("ldm %[k]!, {r4-r7}\n\t" EDGEQ_TAP_ROW
            "ldm %[k]!, {r5-r7}\n\t"
            "add %[x], %[x], %[line]\n\t" EDGEQ_TAP_ROW
            "ldm %[k]!, {r5-r7}\n\t"
            "add %[x], %[x], %[line]\n\t" EDGEQ_TAP_ROW
            : "=&r"(sum), [k] "+&r"(k), [x] "+&r"(x)
            : [step] "r"(step), [line] "r"(line)
            : "r5", "r6", "r7", "r8", "memory");
    *table = k;
    return sum;
}
#elif defined(__arm__)
/* r0 table, r1 input, r2 product, r3 step, r4 sum, r5-r7 weights. */
#define EDGEQ_TAP_ROW                  \
    "movs r2, #0\n\t"        \
    "ldrsb r2, [r1, r2]\n\t" \
    "muls r2, r5, r2\n\t"    \
    "adds r4, r4, r2\n\t"    \
    "ldrsb r2, [r1, r3]\n\t" \
    "muls r2, r6, r2\n\t"    \
    "adds r4, r4, r2\n\t"    \
    "add r1, r1, r3\n\t"     \
    "ldrsb r2, [r1, r3]\n\t" \
    "muls r2, r7, r2\n\t"    \
    "adds r4, r4, r2\n\t"

static inline int32_t edgeq_nine_taps(const int8_t *x, int32_t step, int32_t line, const int32_t **table)
{
    register const int32_t *k __asm__("r0") = *table;
    register const int8_t *at __asm__("r1") = x;
    register int32_t by __asm__("r3") = step;
    register int32_t sum __asm__("r4");
    const int32_t next = line - step;

    __asm__(".syntax unified\n\t"
            "ldm r0!, {r4, r5, r6, r7}\n\t" EDGEQ_TAP_ROW
            "ldm r0!, {r5, r6, r7}\n\t"
            "add r1, %[next]\n\t" EDGEQ_TAP_ROW
            "ldm r0!, {r5, r6, r7}\n\t"
            "add r1, %[next]\n\t" EDGEQ_TAP_ROW
            : "=&r"(sum), "+&r"(k), "+&r"(at)
            : "r"(by), [next] "h"(next)
            : "r2", "r5", "r6", "r7", "cc", "memory");
    *table = k;
    return sum;
}
#else
static inline int32_t edgeq_nine_taps(const int8_t *x, int32_t step, int32_t line, const int32_t **table)
{
    const int32_t *k = *table;
    int32_t sum = *k++;
    int32_t row;

    for (row = 0; row < 3; ++row, x += line, k += 3) {
        sum += x[0] * k[0] + x[step] * k[1] + x[2 * step] * k[2];
    }
    *table = k;
    return sum;
}
#endif

/* The same of any window. */
static inline int32_t edgeq_any_taps(const edgeq_tap_walk *v, const int8_t *x, const int32_t **table)
{
    const int32_t *k = *table;
    int32_t sum = *k++;
    int32_t row, col;

    for (row = v->rows; row > 0; --row, x += v->line) {
        const int8_t *tap = x;
        for (col = v->cols; col > 0; --col, tap += v->step) {
            sum += *tap * *k++;
        }
    }
    *table = k;
    return sum;
}

#endif
