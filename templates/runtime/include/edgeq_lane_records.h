/* SPDX-License-Identifier: Apache-2.0 */
/* Records of two channels one after the other, two products of one multiplication (edgeq_lanes.h), results by the words
 * of edgeq_finish_short.h: all of it in registers. */
#ifndef EDGEQ_LANE_RECORDS_H
#define EDGEQ_LANE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "edgeq_finish_short.h"
#include "edgeq_lanes.h"

/* What edgeq_finish_lane_records works with. The assembly knows the order. */
typedef struct {
    const uint32_t *x;   /* the stream, an even number of blocks, at least two */
    const uint32_t *end; /* of the stream */
    const int32_t *k;    /* the records; moved on */
    int8_t *y0;          /* results for image 0 and image 1; moved on */
    int8_t *y1;
    const int8_t *last; /* records are computed while y0 has not gone beyond */
} edgeq_lane_records;

#if defined(__arm__) && !defined(__ARM_FEATURE_DSP) && __ARM_ARCH >= 7

/* r5 multiplier, r6 and r7 the sum with its addend. */
#define EDGEQ_LANE_RESULT(sum, y)      \
    "smlal r6, r7, " sum ", r5\n\t"    \
    "ssat r7, #8, r7, asr #3\n\t"      \
    "strb r7, [" y "], #1\n\t"
#define EDGEQ_LANE_RESULTS(sum0, sum1)                                      \
    "ldm r2!, {r5, r6, r7}\n\t"                                             \
    "sub " sum0 ", " sum0 ", " sum1 ", lsl #16\n\t" EDGEQ_LANE_RESULT(sum0, "r3") \
    "ldrd r6, r7, [r2, #-8]\n\t" EDGEQ_LANE_RESULT(sum1, "r4")

/* r9 is the state where no block uses it. */
static inline void edgeq_finish_lane_records(bool is_narrow, edgeq_lane_records *records)
{
    register edgeq_lane_records *s __asm__("r0") = records;

    (void)is_narrow;
    __asm__ volatile("push {r0}\n\t"
                     "mov r9, r0\n\t"
                     "ldr r2, [r0, #8]\n"
                     "0:\n\t"
                     "ldm r9, {r0, r1}\n\t"
                     "ldm r2!, {r10, r11, r12, lr}\n"
                     "1:\n\t" EDGEQ_LANE_BLOCK EDGEQ_LANE_BLOCK
                     "cmp r0, r1\n\t"
                     "bne 1b\n\t"
                     EDGEQ_LANE_EXCEPTIONS
                     "ldr r9, [sp]\n\t"
                     "ldrd r3, r4, [r9, #12]\n\t" EDGEQ_LANE_RESULTS("r10", "r11") EDGEQ_LANE_RESULTS("r12", "lr")
                     "strd r3, r4, [r9, #12]\n\t"
                     "ldr r5, [r9, #20]\n\t"
                     "cmp r3, r5\n\t"
                     "bls 0b\n\t"
                     "str r2, [r9, #8]\n\t"
                     "pop {r0}\n\t"
                     : "+r"(s)
                     :
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}

#elif defined(__arm__) && !defined(__ARM_FEATURE_DSP)

/* The result of the sum in r3, by the words in r4-r7: to byte `at` of where the state's pointer points. */
#define EDGEQ_LANE_RESULT(limited, state, at) \
    EDGEQ_SHORT_RESULT(limited)               \
    "ldr r2, [r0, #" state "]\n\t"            \
    "strb r3, [r2, #" at "]\n\t"
#define EDGEQ_LANE_RESULTS(low, high, at, limited0, limited1)        \
    "ldm r1!, {r4, r5, r6, r7}\n\t"                                  \
    "mov r2, " high "\n\t"                                           \
    "lsls r2, r2, #16\n\t"                                           \
    "mov r3, " low "\n\t"                                            \
    "subs r3, r3, r2\n\t" EDGEQ_LANE_RESULT(limited0, "12", at)      \
    "mov r3, " high "\n\t" EDGEQ_LANE_RESULT(limited1, "16", at)

static inline void edgeq_finish_lane_records(bool is_narrow, edgeq_lane_records *records)
{
    register edgeq_lane_records *s __asm__("r0") = records;

    (void)is_narrow;
    __asm__ volatile(".syntax unified\n\t"
                     "push {r0}\n\t"
                     "ldr r1, [r0, #8]\n\t"
                     "ldr r2, [r0, #4]\n\t"
                     "mov r12, r2\n"
                     "0:\n\t"
                     "ldr r0, [r0]\n\t"
                     "ldm r1!, {r4, r5, r6, r7}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "mov r11, r7\n"
                     "1:\n\t" EDGEQ_LANE_BLOCK("0", "1", "2", "3", "4", "5", "6", "7")
                         EDGEQ_LANE_BLOCK("8", "9", "10", "11", "12", "13", "14", "15")
                     "adds r1, #16\n\t"
                     "cmp r0, r12\n\t"
                     "bne 1b\n\t"
                     EDGEQ_LANE_EXCEPTIONS
                     "ldr r0, [sp]\n\t" EDGEQ_LANE_RESULTS("r8", "r9", "0", "6", "7")
                         EDGEQ_LANE_RESULTS("r10", "r11", "1", "8", "9")
                     "adds r2, #2\n\t"
                     "str r2, [r0, #16]\n\t"
                     "ldr r2, [r0, #12]\n\t"
                     "adds r2, #2\n\t"
                     "str r2, [r0, #12]\n\t"
                     "ldr r3, [r0, #20]\n\t"
                     "cmp r2, r3\n\t"
                     "bhi 2f\n\t"
                     "b 0b\n"
                     "2:\n\t"
                     "str r1, [r0, #8]\n\t"
                     "pop {r0}\n\t"
                     : "+r"(s)
                     :
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}

#else

/* All records, one after the other, until y0 has gone beyond `last`. */
static inline void edgeq_finish_lane_records(bool is_narrow, edgeq_lane_records *records)
{
    const int32_t words = edgeq_short_words(is_narrow);
    edgeq_lane_state s = {records->x, records->end, records->k, {0u, 0}, {0u, 0}};

    do {
        edgeq_add_lane_record(&s);
        *records->y0++ = edgeq_finish_short(is_narrow, edgeq_lane_low(s.a), s.k);
        *records->y1++ = edgeq_finish_short(is_narrow, s.a.high, s.k);
        s.k += words;
        *records->y0++ = edgeq_finish_short(is_narrow, edgeq_lane_low(s.b), s.k);
        *records->y1++ = edgeq_finish_short(is_narrow, s.b.high, s.k);
        s.k += words;
    } while (records->y0 <= records->last);
    records->k = s.k;
}

#endif

#endif
