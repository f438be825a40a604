/* SPDX-License-Identifier: Apache-2.0 */
/* Signed 4-bit weights, two to a byte: the element of even index in the low half. Rows follow each other without gaps,
 * so that one may begin in the middle of a byte. */
#ifndef EDGEQ_INT4_H
#define EDGEQ_INT4_H

#include <stdint.h>

static inline int32_t edgeq_low_int4(int32_t byte)
{
    return ((byte & 15) ^ 8) - 8;
}

static inline int32_t edgeq_high_int4(int32_t byte)
{
    return (((byte >> 4) & 15) ^ 8) - 8;
}

/* The element of that index, 0 or more. */
static inline int32_t edgeq_int4_at(const int8_t *packed, int32_t index)
{
    const int32_t byte = packed[index >> 1];
    return (index & 1) != 0 ? edgeq_high_int4(byte) : edgeq_low_int4(byte);
}

/* sum((x[i] + offset) * w[first + i], i < count); w: packed. */
static inline int32_t edgeq_dot_int4(const int8_t *x, int32_t offset, const int8_t *w, int32_t first, int32_t count)
{
    int32_t sum = 0;

    w += first >> 1;
    if ((first & 1) != 0 && count > 0) {
        sum += (*x++ + offset) * edgeq_high_int4(*w++);
        --count;
    }
    for (; count > 1; count -= 2) {
        const int32_t byte = *w++;
        sum += (*x++ + offset) * edgeq_low_int4(byte);
        sum += (*x++ + offset) * edgeq_high_int4(byte);
    }
    if (count > 0) {
        sum += (*x + offset) * edgeq_low_int4(*w);
    }
    return sum;
}

#endif
