/* SPDX-License-Identifier: Apache-2.0 */
/* The sums of all subsets of every four inputs, of one image or of two; see edgeq_subsets.h. */
#ifndef EDGEQ_SUBSET_TABLES_H
#define EDGEQ_SUBSET_TABLES_H

#include <stdint.h>

/* Inputs that have a table, and its words. */
#define EDGEQ_SUBSET_INPUTS 4
#define EDGEQ_SUBSET_WORDS 16

/* The tables of so many groups, above 0, of one image if x0 and x1 are the same; returns the sum of all inputs. */
#if defined(__arm__) && !defined(__ARM_FEATURE_DSP) && __ARM_ARCH >= 7
/* An input of both images; takes r9. */
#define EDGEQ_SUBSET_INPUT_ALONE(word) "ldrsb " word ", [%[x0]], #1\n\t"
#define EDGEQ_SUBSET_INPUT(word)         \
    "ldrsb " word ", [%[x0]], #1\n\t"    \
    "ldrsb r9, [%[x1]], #1\n\t"          \
    "add " word ", " word ", r9, lsl #16\n\t"
/* Adds one more to four sums, which are written. */
#define EDGEQ_SUBSETS_WITH(word)         \
    "add r3, r3, " word "\n\t"           \
    "add r4, r4, " word "\n\t"           \
    "add r5, r5, " word "\n\t"           \
    "add r6, r6, " word "\n\t"           \
    "stm %[t]!, {r3, r4, r5, r6}\n\t"

#define EDGEQ_WRITE_SUBSETS(input)                                                                               \
    "1:\n\t" input("r4") input("r5") input("r7") input("r8")                                                     \
    "mov r3, #0\n\t"                                                                                             \
    "add r6, r4, r5\n\t"                                                                                         \
    "stm %[t]!, {r3, r4, r5, r6}\n\t"                                                                            \
    "sub r8, r8, r7\n\t" EDGEQ_SUBSETS_WITH("r7") EDGEQ_SUBSETS_WITH("r8") EDGEQ_SUBSETS_WITH("r7")              \
    "add %[total], %[total], r6\n\t"                                                                             \
    "subs %[groups], %[groups], #1\n\t"                                                                          \
    "bne 1b\n\t"                                                                                                 \
    : [t] "+r"(t), [x0] "+r"(x0), [x1] "+r"(x1), [groups] "+r"(groups), [total] "+r"(total)                      \
    :                                                                                                            \
    : "r3", "r4", "r5", "r6", "r7", "r8", "r9", "cc", "memory"

static inline uint32_t edgeq_write_subsets(uint32_t *t, const int8_t *x0, const int8_t *x1, int32_t groups)
{
    uint32_t total = 0;

    if (x0 == x1) {
        __asm__ volatile(EDGEQ_WRITE_SUBSETS(EDGEQ_SUBSET_INPUT_ALONE));
    } else {
        __asm__ volatile(EDGEQ_WRITE_SUBSETS(EDGEQ_SUBSET_INPUT));
    }
    return total;
}
#elif defined(__arm__) && !defined(__ARM_FEATURE_DSP)
/* An input of both images; takes r7 and another register. */
#define EDGEQ_SUBSET_INPUT_ALONE(at, word, other) \
    "movs r7, #" at "\n\t"                        \
    "ldrsb " word ", [r1, r7]\n\t"
#define EDGEQ_SUBSET_INPUT(at, word, other) \
    "movs r7, #" at "\n\t"                  \
    "ldrsb " word ", [r1, r7]\n\t"          \
    "ldrsb " other ", [r2, r7]\n\t"         \
    "lsls " other ", " other ", #16\n\t"    \
    "adds " word ", " word ", " other "\n\t"
/* Adds one more to four sums, which are written; takes r7. */
#define EDGEQ_SUBSETS_WITH(word)            \
    "mov r7, " word "\n\t"                  \
    "adds r3, r3, r7\n\t"                   \
    "adds r4, r4, r7\n\t"                   \
    "adds r5, r5, r7\n\t"                   \
    "adds r6, r6, r7\n\t"                   \
    "stm r0!, {r3, r4, r5, r6}\n\t"

#define EDGEQ_WRITE_SUBSETS(input)                                                              \
    ".syntax unified\n"                                                                         \
    "1:\n\t" input("2", "r3", "r4")                                                             \
    "mov r8, r3\n\t" input("3", "r5", "r4")                                                     \
    "subs r5, r5, r3\n\t"                                                                       \
    "mov r9, r5\n\t" input("0", "r4", "r5") input("1", "r5", "r6")                              \
    "movs r3, #0\n\t"                                                                           \
    "adds r6, r4, r5\n\t"                                                                       \
    "stm r0!, {r3, r4, r5, r6}\n\t"                                                             \
    EDGEQ_SUBSETS_WITH("r8") EDGEQ_SUBSETS_WITH("r9") EDGEQ_SUBSETS_WITH("r8")                  \
    "add r10, r10, r6\n\t"                                                                      \
    "adds r1, #4\n\t"                                                                           \
    "adds r2, #4\n\t"                                                                           \
    "cmp r1, r12\n\t"                                                                           \
    "bne 1b\n\t"                                                                                \
    : "+r"(t), "+r"(x0), "+r"(x1), "+r"(total)                                                  \
    : "r"(end)                                                                                  \
    : "r3", "r4", "r5", "r6", "r7", "r8", "r9", "cc", "memory"

static inline uint32_t edgeq_write_subsets(uint32_t *table, const int8_t *first, const int8_t *second, int32_t groups)
{
    register uint32_t *t __asm__("r0") = table;
    register const int8_t *x0 __asm__("r1") = first;
    register const int8_t *x1 __asm__("r2") = second;
    register uint32_t total __asm__("r10") = 0;
    register const int8_t *end __asm__("r12") = first + EDGEQ_SUBSET_INPUTS * groups;

    if (first == second) {
        __asm__ volatile(EDGEQ_WRITE_SUBSETS(EDGEQ_SUBSET_INPUT_ALONE));
    } else {
        __asm__ volatile(EDGEQ_WRITE_SUBSETS(EDGEQ_SUBSET_INPUT));
    }
    return total;
}
#else
static inline uint32_t edgeq_write_subsets(uint32_t *t, const int8_t *x0, const int8_t *x1, int32_t groups)
{
    uint32_t total = 0;

    for (; groups > 0; --groups, x0 += EDGEQ_SUBSET_INPUTS, x1 += EDGEQ_SUBSET_INPUTS, t += EDGEQ_SUBSET_WORDS) {
        int32_t i, bit;

        t[0] = 0u;
        for (bit = 0; bit < EDGEQ_SUBSET_INPUTS; ++bit) {
            const uint32_t x = (uint32_t)(int32_t)x0[bit] + (x0 == x1 ? 0u : (uint32_t)(int32_t)x1[bit] << 16);
            for (i = 0; i < 1 << bit; ++i) {
                t[(1 << bit) + i] = t[i] + x;
            }
        }
        total += t[EDGEQ_SUBSET_WORDS - 1];
    }
    return total;
}
#endif

#endif
