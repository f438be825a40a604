/* SPDX-License-Identifier: Apache-2.0 */
/* How sums between two extremes become a block that uses all of int8. */
#ifndef EDGEQ_BLOCKING_H
#define EDGEQ_BLOCKING_H

#include "edgeq_scales.h"

typedef struct {
    int32_t factor;
    int32_t bits; /* 23 and more */
    int32_t half; /* of a step, in units of 2^32 / 2^bits; where there are more than 32 bits */
    int32_t zero_point;
} edgeq_blocking;

/* A width of at least 1 as a scale: brought to 31 bits. */
static inline edgeq_scale edgeq_width_scale(uint32_t width)
{
    edgeq_scale scale = {0, 0};

    if (width > INT32_MAX) {
        width >>= 1;
        scale.exponent = 1;
    }
    while (width < (uint32_t)1 << EDGEQ_MANTISSA_BITS) {
        width <<= 1;
        --scale.exponent;
    }
    scale.mantissa = (int32_t)width;
    return scale;
}

/* For sums of a scale between low, at most 0, and high, at least 0; the block's range goes to output_range. */
static inline edgeq_blocking edgeq_begin_blocking(int32_t low, int32_t high, const edgeq_block_range *range,
                                                  edgeq_scale scale, int32_t *output_range)
{
    uint32_t width = (uint32_t)high - (uint32_t)low;
    edgeq_blocking b;

    if (range->symmetric != 0) {
        width = (uint32_t)(high > -low ? high : -low);
    }
    const edgeq_scale whole = edgeq_width_scale(width > 0u ? width : 1u);
    b.factor = (int32_t)(((int64_t)range->numerator << EDGEQ_MANTISSA_BITS) / whole.mantissa);
    b.bits = EDGEQ_MANTISSA_BITS + range->numerator_bits + whole.exponent;
    b.half = b.bits > 32 ? (int32_t)1 << (b.bits - 33) : 0;
    b.zero_point = range->symmetric != 0 ? 0 : INT8_MIN - edgeq_shifted((int64_t)low * b.factor, b.bits);
    edgeq_store_scale(edgeq_scale_product(edgeq_scale_product(scale, whole), range->inverse), output_range);
    output_range[2] = b.zero_point;
    return b;
}

/* A sum between the extremes as an integer of the block: edgeq_shifted, to no more than 256 in magnitude. */
static inline int8_t edgeq_in_block(const edgeq_blocking *b, int32_t sum)
{
    const int64_t product = (int64_t)sum * b->factor;
    int32_t y;

    if (b->bits > 32) {
        /* what lies below the upper word does not decide */
        y = ((int32_t)(product >> 32) + b->half) >> (b->bits - 32);
    } else {
        y = (int32_t)((product + ((int64_t)1 << (b->bits - 1))) >> b->bits);
    }
    return edgeq_saturate_s8(y, b->zero_point, INT8_MIN, INT8_MAX);
}

#endif
