/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of products of four units or channels at a time, for cores with the vector extension: see edgeq_mve_dense.h. */
#ifndef EDGEQ_MVE_UNITS_H
#define EDGEQ_MVE_UNITS_H

#include <stdint.h>

#include "edgeq_mve.h"

#if defined(__ARM_FEATURE_MVE)

#if EDGEQ_WEIGHT_BITS == 4
#define MAC_TWO(even, odd)                       \
    "vldrb.u8 %q[w], [%[k]], #16\n\t"            \
    "vmladava.s8 " odd ", %q[in], %q[w]\n\t"     \
    "vrshr.s8 %q[v], %q[w], #4\n\t"              \
    "vmladava.s8 " even ", %q[in], %q[v]\n\t"
#define MACS MAC_TWO("%[a]", "%[b]") MAC_TWO("%[c]", "%[d]")
#define TAKE_APART                     \
    "sub %[b], %[b], %[a], lsl #4\n\t" \
    "sub %[d], %[d], %[c], lsl #4\n\t"
#else
#define MAC(w, sum)                              \
    "vldrb.u8 " w ", [%[k]], #16\n\t"            \
    "vmladava.s8 " sum ", %q[in], " w "\n\t"
#define MACS MAC("%q[w]", "%[a]") MAC("%q[v]", "%[b]") MAC("%q[w]", "%[c]") MAC("%q[v]", "%[d]")
#define TAKE_APART ""
#endif

/* The sums of four units over `steps` times sixteen inputs and `last` more; *table moves on to their quants. */
static EDGEQ_ALWAYS_INLINE int32x4_t edgeq_sum_units(const int8_t *x, int32_t steps, mve_pred16_t last, const int32_t **table)
{
    const int32_t *k = *table;
    int32x4_t sums;
    int32_t a, b, c, d;
    int8x16_t in, w, v;

    /* "Te": VMLADAVA sums in even registers. The loop counts in LR. */
    __asm__("vmsr p0, %[last]\n\t"
            "ldrd %[a], %[b], [%[k]]\n\t"
            "ldrd %[c], %[d], [%[k], #8]\n\t"
            "adds %[k], #16\n\t"
            "wls lr, %[steps], 2f\n"
            "1:\n\t"
            "vldrb.u8 %q[in], [%[x]], #16\n\t" MACS
            "le lr, 1b\n"
            "2:\n\t"
            "vpst\n\t"
            "vldrbt.u8 %q[in], [%[x]]\n\t" MACS TAKE_APART
            "vmov %q[sums][2], %q[sums][0], %[a], %[c]\n\t"
            "vmov %q[sums][3], %q[sums][1], %[b], %[d]"
            : [a] "=&Te"(a), [b] "=&Te"(b), [c] "=&Te"(c), [d] "=&Te"(d), [sums] "=&w"(sums), [in] "=&w"(in),
              [w] "=&w"(w), [v] "=&w"(v), [x] "+&r"(x), [k] "+&r"(k)
            : [steps] "r"(steps), [last] "r"((uint32_t)last)
            : "lr", "cc", "memory");
    *table = k;
    return sums;
}

#else

/* The sum of a unit, as it stands in its record: with those above it in its bytes. */
static inline int32_t edgeq_sum_unit(const int8_t *x, int32_t depth, const int32_t *record, int32_t lane)
{
    int32_t sum = record[lane];
    int32_t i;

    for (i = 0; i < depth; ++i) {
        const int32_t vector = i / 16 * EDGEQ_STEP_WORDS / 4 + lane * EDGEQ_WEIGHT_BITS / 8;
        sum += x[i] * edgeq_joint_weight(record + 4, 16 * vector + i % 16, lane);
    }
    return sum;
}

#endif

#endif
