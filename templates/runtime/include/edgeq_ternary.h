/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of -1, 0 and 1, four to a byte: of the first the lowest two bits, which hold the weight plus 1. Rows follow each
 * other without gaps. */
#ifndef EDGEQ_TERNARY_H
#define EDGEQ_TERNARY_H

#include <stdint.h>

/* The weight of that index, 0 or more. */
static inline int32_t edgeq_ternary_at(const int8_t *packed, int32_t index)
{
    return ((packed[index >> 2] >> (2 * (index & 3))) & 3) - 1;
}

/* sum((x[i] + offset) * weight first + i, i < count). */
static inline int32_t edgeq_dot_ternary(const int8_t *x, int32_t offset, const int8_t *packed, int32_t first,
                                        int32_t count)
{
    int32_t sum = 0;

    for (; count > 0 && (first & 3) != 0; --count, ++first) {
        sum += (*x++ + offset) * edgeq_ternary_at(packed, first);
    }
    packed += first >> 2;
    for (; count >= 4; count -= 4, x += 4) {
        const int32_t four = *packed++;
        sum += (x[0] + offset) * ((four & 3) - 1) + (x[1] + offset) * (((four >> 2) & 3) - 1) +
               (x[2] + offset) * (((four >> 4) & 3) - 1) + (x[3] + offset) * (((four >> 6) & 3) - 1);
    }
    for (first = 0; first < count; ++first) {
        sum += (x[first] + offset) * edgeq_ternary_at(packed, first);
    }
    return sum;
}

#endif
