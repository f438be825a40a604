/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups of sums of subsets by rows of weights, one bit for an input; see edgeq_subsets.h. */
#ifndef EDGEQ_SUBSET_ROWS_H
#define EDGEQ_SUBSET_ROWS_H

#include <stdint.h>

#include "edgeq_subset_tables.h"
#include "edgeq_window.h"

/* Groups of inputs to a word of weights. */
#define EDGEQ_SUBSETS_PER_WORD 8

/* What edgeq_add_subset_rows works with. The assembly below knows the order. */
typedef struct {
    const int32_t *k;       /* the rows of weights, moved on */
    uint32_t *sum;          /* of the first channel */
    const uint32_t *end;    /* of the sums */
    uint32_t *tables;       /* of the chunk's groups */
    const uint32_t *whole;  /* where those end that stand by eights */
    uint32_t first;         /* what is added to binary sums */
    int32_t rest;           /* groups behind these */
    int32_t skipped;        /* bytes of code for such groups that are not there */
    uint32_t begin;         /* what the first row's sum begins with */
    int32_t is_ternary;
} edgeq_subset_rows;

/* Two rows of weights at a time, as kernels/subsets.py has them, until there is a sum for each channel. */
#if defined(__arm__) && !defined(__ARM_FEATURE_DSP)
/* By hand: compilers compute an address of their own for each look-up. A step is one group of both rows; of groups that do
 * not stand by eights the last steps are taken. */
#if __ARM_ARCH >= 7
/* r0 state, r1 weights, r2-r3 words of them, r4 look-up, r5-r6 sums, r7 table, r8 where the last groups' tables begin, r9
 * where sums go, r10 their end, r11 code for the last groups, r12 its first step, lr the first sum. */
#define EDGEQ_STEP_BYTES 28
#define EDGEQ_LOOK_UP(word, bits, sum)              \
    "ubfx r4, " word ", #" bits ", #4\n\t"          \
    "ldr.w r4, [r7, r4, lsl #2]\n\t"                \
    "add.w " sum ", " sum ", r4\n\t"
#define EDGEQ_STEP(word0, bits0, word1, bits1)                              \
    EDGEQ_LOOK_UP(word0, bits0, "r5") EDGEQ_LOOK_UP(word1, bits1, "r6")     \
    "add.w r7, r7, #64\n\t"
#define EDGEQ_STEPS_1_TO_7                                                                     \
    EDGEQ_STEP("r2", "4", "r3", "4") EDGEQ_STEP("r2", "8", "r3", "8")                          \
    EDGEQ_STEP("r2", "12", "r3", "12") EDGEQ_STEP("r2", "16", "r3", "16")                      \
    EDGEQ_STEP("r2", "20", "r3", "20") EDGEQ_STEP("r2", "24", "r3", "24") EDGEQ_STEP("r2", "28", "r3", "28")

static EDGEQ_NOINLINE void edgeq_add_subset_rows(edgeq_subset_rows *rows)
{
    register edgeq_subset_rows *s __asm__("r0") = rows;

    __asm__ volatile("ldr r1, [r0]\n\t"
                     "ldrd r9, r10, [r0, #4]\n\t"
                     "ldr r8, [r0, #16]\n\t"
                     "ldrd lr, r4, [r0, #20]\n\t"
                     "adr r11, 8f\n\t"
                     "cbz r4, 1f\n\t"
                     "adr r11, 4f\n\t"
                     "adr r12, 7f\n\t"
                     "cmp r4, #4\n\t"
                     "ble 1f\n\t"
                     "adr r11, 5f\n\t"
                     "adr r12, 6f\n"
                     "1:\n\t"
                     "ldr r4, [r0, #28]\n\t"
                     "add r12, r12, r4\n\t"
                     "orr r11, r11, #1\n\t"
                     "orr r12, r12, #1\n"
                     "0:\n\t"
                     "ldr r7, [r0, #12]\n\t"
                     "ldr r5, [r0, #32]\n\t"
                     "movs r6, #0\n\t"
                     "cmp r7, r8\n\t"
                     "beq 3f\n"
                     "2:\n\t"
                     "ldrd r2, r3, [r1], #8\n\t" EDGEQ_STEP("r2", "0", "r3", "0") EDGEQ_STEPS_1_TO_7
                     "cmp r7, r8\n\t"
                     "bne 2b\n"
                     "3:\n\t"
                     "bx r11\n"
                     "4:\n\t"
                     "ldr r2, [r1], #4\n\t"
                     "bx r12\n"
                     "5:\n\t"
                     "ldrd r2, r3, [r1], #8\n\t"
                     "bx r12\n"
                     "6:\n\t" EDGEQ_STEPS_1_TO_7
                     "b 8f\n"
                     "7:\n\t" EDGEQ_STEP("r2", "0", "r2", "16") EDGEQ_STEP("r2", "4", "r2", "20")
                         EDGEQ_STEP("r2", "8", "r2", "24") EDGEQ_STEP("r2", "12", "r2", "28")
                     "8:\n\t"
                     "ldr r4, [r0, #36]\n\t"
                     "cbz r4, 9f\n\t"
                     "subs r5, r5, r6\n\t"
                     "str r5, [r9], #4\n\t"
                     "cmp r9, r10\n\t"
                     "blo 0b\n\t"
                     "b 10f\n"
                     "9:\n\t"
                     "add r5, lr, r5, lsl #1\n\t"
                     "add r6, lr, r6, lsl #1\n\t"
                     "strd r5, r6, [r9], #8\n\t"
                     "cmp r9, r10\n\t"
                     "blo 0b\n"
                     "10:\n\t"
                     "str r1, [r0]\n\t"
                     : "+r"(s)
                     :
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}
#else
/* r0 table, r1 weights, r2-r3 words of them, r4 look-up, r5-r6 sums, r7 mask, r8 where the last groups' tables begin, r9
 * where sums go, r10 their end, r11 code for the last groups, r12 its first step, lr state. */
#define EDGEQ_STEP_BYTES 18
/* move: of the group's weights to bits 2 to 5 of r4. */
#define EDGEQ_LOOK_UP(move, sum)                    \
    move "\n\t"                                     \
    "ands r4, r4, r7\n\t"                           \
    "ldr r4, [r0, r4]\n\t"                          \
    "adds " sum ", " sum ", r4\n\t"
#define EDGEQ_STEP(move0, move1) EDGEQ_LOOK_UP(move0, "r5") EDGEQ_LOOK_UP(move1, "r6") "adds r0, #64\n\t"
#define EDGEQ_SAME_STEP(bits) EDGEQ_STEP("lsrs r4, r2, #" bits, "lsrs r4, r3, #" bits)
#define EDGEQ_STEPS_1_TO_7                                                                     \
    EDGEQ_SAME_STEP("2") EDGEQ_SAME_STEP("6") EDGEQ_SAME_STEP("10") EDGEQ_SAME_STEP("14")      \
    EDGEQ_SAME_STEP("18") EDGEQ_SAME_STEP("22") EDGEQ_SAME_STEP("26")

static EDGEQ_NOINLINE void edgeq_add_subset_rows(edgeq_subset_rows *rows)
{
    register edgeq_subset_rows *s __asm__("r0") = rows;

    __asm__ volatile(".syntax unified\n\t"
                     "mov lr, r0\n\t"
                     "ldr r1, [r0]\n\t"
                     "ldr r2, [r0, #16]\n\t"
                     "mov r8, r2\n\t"
                     "ldr r2, [r0, #4]\n\t"
                     "mov r9, r2\n\t"
                     "ldr r2, [r0, #8]\n\t"
                     "mov r10, r2\n\t"
                     "movs r7, #60\n\t"
                     "ldr r4, [r0, #24]\n\t"
                     "movs r6, #0\n\t"
                     "adr r5, 8f\n\t"
                     "cmp r4, #0\n\t"
                     "beq 1f\n\t"
                     "adr r5, 4f\n\t"
                     "adr r6, 7f\n\t"
                     "cmp r4, #4\n\t"
                     "ble 1f\n\t"
                     "adr r5, 5f\n\t"
                     "adr r6, 6f\n"
                     "1:\n\t"
                     "ldr r4, [r0, #28]\n\t"
                     "adds r6, r6, r4\n\t"
                     "adds r5, #1\n\t"
                     "adds r6, #1\n\t"
                     "mov r11, r5\n\t"
                     "mov r12, r6\n"
                     "0:\n\t"
                     "mov r4, lr\n\t"
                     "ldr r0, [r4, #12]\n\t"
                     "ldr r5, [r4, #32]\n\t"
                     "movs r6, #0\n\t"
                     "cmp r0, r8\n\t"
                     "beq 3f\n"
                     "2:\n\t"
                     "ldm r1!, {r2, r3}\n\t" EDGEQ_STEP("lsls r4, r2, #2", "lsls r4, r3, #2") EDGEQ_STEPS_1_TO_7
                     "cmp r0, r8\n\t"
                     "bne 2b\n"
                     "3:\n\t"
                     "bx r11\n\t"
                     ".balign 4\n"
                     "4:\n\t"
                     "ldm r1!, {r2}\n\t"
                     "bx r12\n\t"
                     ".balign 4\n"
                     "5:\n\t"
                     "ldm r1!, {r2, r3}\n\t"
                     "bx r12\n\t"
                     ".balign 4\n"
                     "6:\n\t" EDGEQ_STEPS_1_TO_7
                     "b 8f\n\t"
                     ".balign 4\n"
                     "7:\n\t" EDGEQ_STEP("lsls r4, r2, #2", "lsrs r4, r2, #14")
                         EDGEQ_STEP("lsrs r4, r2, #2", "lsrs r4, r2, #18")
                         EDGEQ_STEP("lsrs r4, r2, #6", "lsrs r4, r2, #22")
                         EDGEQ_STEP("lsrs r4, r2, #10", "lsrs r4, r2, #26")
                     ".balign 4\n"
                     "8:\n\t"
                     "mov r4, lr\n\t"
                     "ldr r2, [r4, #36]\n\t"
                     "ldr r3, [r4, #20]\n\t"
                     "mov r4, r9\n\t"
                     "cmp r2, #0\n\t"
                     "beq 9f\n\t"
                     "subs r5, r5, r6\n\t"
                     "stm r4!, {r5}\n\t"
                     "b 10f\n"
                     "9:\n\t"
                     "adds r5, r5, r5\n\t"
                     "adds r5, r5, r3\n\t"
                     "adds r6, r6, r6\n\t"
                     "adds r6, r6, r3\n\t"
                     "stm r4!, {r5, r6}\n"
                     "10:\n\t"
                     "mov r9, r4\n\t"
                     "cmp r4, r10\n\t"
                     "bhs 11f\n\t"
                     "b 0b\n"
                     "11:\n\t"
                     "mov r0, lr\n\t"
                     "str r1, [r0]\n\t"
                     : "+r"(s)
                     :
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}
#endif
#else
#define EDGEQ_STEP_BYTES 0

static inline void edgeq_add_subset_rows(edgeq_subset_rows *s)
{
    do {
        const uint32_t *t = s->tables;
        uint32_t a = s->begin;
        uint32_t b = 0;
        uint32_t p = 0;
        uint32_t q = 0;
        int32_t n;

        while (t != s->whole) {
            p = (uint32_t)*s->k++;
            q = (uint32_t)*s->k++;
            for (n = 0; n < EDGEQ_SUBSETS_PER_WORD; ++n, t += EDGEQ_SUBSET_WORDS) {
                a += t[(p >> (4 * n)) & 15u];
                b += t[(q >> (4 * n)) & 15u];
            }
        }
        if (s->rest > 0) {
            p = (uint32_t)*s->k++;
            q = p;
            if (s->rest > EDGEQ_SUBSETS_PER_WORD / 2) {
                q = (uint32_t)*s->k++;
            } else {
                p <<= 16;
            }
        }
        for (n = EDGEQ_SUBSETS_PER_WORD - s->rest; n < EDGEQ_SUBSETS_PER_WORD; ++n, t += EDGEQ_SUBSET_WORDS) {
            a += t[(p >> (4 * n)) & 15u];
            b += t[(q >> (4 * n)) & 15u];
        }
        if (s->is_ternary) {
            *s->sum++ = a - b;
        } else {
            *s->sum++ = s->first + 2u * a;
            *s->sum++ = s->first + 2u * b;
        }
    } while (s->sum < s->end);
}
#endif

#endif
