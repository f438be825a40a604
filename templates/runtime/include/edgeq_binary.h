/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of -1 and 1, eight to a byte: of the first the lowest bit, which is set for 1. Rows follow each other without
 * gaps. */
#ifndef EDGEQ_BINARY_H
#define EDGEQ_BINARY_H

#include <stdint.h>

/* The weight of that index, 0 or more. */
static inline int32_t edgeq_binary_at(const int8_t *packed, int32_t index)
{
    return 2 * ((packed[index >> 3] >> (index & 7)) & 1) - 1;
}

/* sum((x[i] + offset) * weight first + i, i < count). */
static inline int32_t edgeq_dot_binary(const int8_t *x, int32_t offset, const int8_t *packed, int32_t first,
                                       int32_t count)
{
    /* Of those with a weight of 1, and of all. */
    int32_t positive = 0;
    int32_t all = offset * count;
    int32_t i;

    for (i = 0; i < count; ++i, ++first) {
        const int32_t bit = (packed[first >> 3] >> (first & 7)) & 1;
        positive += (*x + offset) & -bit;
        all += *x++;
    }
    return 2 * positive - all;
}

#endif
