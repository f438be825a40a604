/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of functions of one int16 argument. */
#ifndef EDGEQ_INTERPOLATE_H
#define EDGEQ_INTERPOLATE_H

#include <stdint.h>

/*
 * The table of 513 entries, for -32768 ... 32767 in steps of 128, at an int16 value, interpolated. As in TFLite the
 * distance of two entries counts modulo 2^16: the tables of steep functions wrap around between them.
 */
static inline int16_t edgeq_interpolate_s16(const int16_t *table, int32_t value)
{
    const int32_t index = 256 + (value >> 7);
    const int32_t base = table[index];
    const int32_t slope = (int16_t)(table[index + 1] - base);

    return (int16_t)(base + ((slope * (value & 0x7f) + 64) >> 7));
}

#endif
