/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scales that are found at run time: mantissa * 2^exponent, the mantissa in [2^30, 2^31 - 1]. In tensors a scale is two
 * int32, the mantissa first; the range of a block of int8 is three, a scale and the zero point.
 */
#ifndef EDGEQ_SCALES_H
#define EDGEQ_SCALES_H

#include <stdbool.h>
#include <stdint.h>

#include "edgeq_fixedpoint.h"

enum { EDGEQ_MANTISSA_BITS = 30 };

typedef struct {
    int32_t mantissa;
    int32_t exponent;
} edgeq_scale;

static inline edgeq_scale edgeq_load_scale(const int32_t *pair)
{
    const edgeq_scale scale = {pair[0], pair[1]};
    return scale;
}

static inline int32_t edgeq_zero_point(const int32_t *range)
{
    return range[2];
}

static inline void edgeq_store_scale(edgeq_scale scale, int32_t *pair)
{
    pair[0] = scale.mantissa;
    pair[1] = scale.exponent;
}

/* a * b; what does not fit is cut off. */
static inline edgeq_scale edgeq_scale_product(edgeq_scale a, edgeq_scale b)
{
    const int64_t wide = (int64_t)a.mantissa * b.mantissa;
    const int32_t bits = EDGEQ_MANTISSA_BITS + (int32_t)(wide >> (2 * EDGEQ_MANTISSA_BITS + 1));
    const edgeq_scale product = {(int32_t)(wide >> bits), a.exponent + b.exponent + bits};
    return product;
}

static inline bool edgeq_scale_exceeds(edgeq_scale a, edgeq_scale b)
{
    return a.exponent != b.exponent ? a.exponent > b.exponent : a.mantissa > b.mantissa;
}

/*
 * x / 2^bits, rounded, ties up, saturated to int32. |x| <= 2^62; where bits are negative, x is 0 or at least 2^30 in
 * magnitude. Above 62 bits nothing is left of x.
 */
static inline int32_t edgeq_shifted(int64_t x, int32_t bits)
{
    int64_t y = x;

    if (bits > 62) {
        return 0;
    }
    if (bits > 0) {
        y = (x + ((int64_t)1 << (bits - 1))) >> bits;
    } else if (bits < 0 && x != 0) {
        return x > 0 ? INT32_MAX : INT32_MIN;
    }
    if (y > INT32_MAX) {
        return INT32_MAX;
    }
    return y < INT32_MIN ? INT32_MIN : (int32_t)y;
}

/* How numbers of value * 2^exponent become multiples of a scale. */
typedef struct {
    int32_t reciprocal; /* floor(2^61 / mantissa), at most 2^31 - 1 */
    int32_t bits;
} edgeq_steps;

static inline edgeq_steps edgeq_steps_of(edgeq_scale scale, int32_t exponent)
{
    const int64_t reciprocal = ((int64_t)1 << 61) / scale.mantissa;
    const edgeq_steps steps = {reciprocal > INT32_MAX ? INT32_MAX : (int32_t)reciprocal, 61 - exponent + scale.exponent};
    return steps;
}

static inline int32_t edgeq_in_steps(int32_t value, edgeq_steps steps)
{
    return edgeq_shifted((int64_t)value * steps.reciprocal, steps.bits);
}

/* Where the scale of sums comes from: the block's scale times `unit`, or what a bias of units 2^bias_exponent needs. */
typedef struct {
    edgeq_scale unit;
    int32_t bias_exponent;
} edgeq_sum_scale;

/* How a block's integers come to 2^-20 steps of a common scale, which is not smaller than the block's. */
enum { EDGEQ_ALIGNED_BITS = 20 };

typedef struct {
    int32_t ratio;
    int32_t bits;
} edgeq_alignment;

static inline edgeq_alignment edgeq_align_scale(edgeq_scale scale, edgeq_scale common)
{
    const edgeq_alignment alignment = {
        (int32_t)(((int64_t)scale.mantissa << EDGEQ_MANTISSA_BITS) / common.mantissa),
        EDGEQ_MANTISSA_BITS + common.exponent - scale.exponent,
    };
    return alignment;
}

/* |x| <= 255 */
static inline int32_t edgeq_aligned(int32_t x, edgeq_alignment alignment)
{
    return edgeq_shifted((int64_t)(x * ((int32_t)1 << EDGEQ_ALIGNED_BITS)) * alignment.ratio, alignment.bits);
}

/* Bounds of sums: low and high themselves, or times 2^exponent as real numbers. */
typedef struct {
    int32_t bounded;
    int32_t low;
    int32_t high;
    int32_t exponent;
} edgeq_bounds;

/* The bounds as integers of a scale, not below -INT32_MAX. */
static inline edgeq_bounds edgeq_bounds_in_steps(const edgeq_bounds *bounds, edgeq_scale scale)
{
    edgeq_bounds found = *bounds;

    if (bounds->bounded != 0) {
        const edgeq_steps steps = edgeq_steps_of(scale, bounds->exponent);
        const int32_t low = edgeq_in_steps(bounds->low, steps);
        found.low = low < -INT32_MAX ? -INT32_MAX : low;
        found.high = edgeq_in_steps(bounds->high, steps);
    }
    return found;
}

/*
 * Whether a block's zero point is 0, and how large the difference of its integers, or their magnitude where it is, may
 * get: numerator / 2^numerator_bits, and the inverse of that.
 */
typedef struct {
    int32_t symmetric;
    int32_t numerator;
    int32_t numerator_bits;
    edgeq_scale inverse;
} edgeq_block_range;

#endif
