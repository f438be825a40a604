/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithms in fixed point. */
#ifndef EDGEQ_LOG_H
#define EDGEQ_LOG_H

#include "edgeq_fixedpoint.h"

/* Zeros before the highest bit that is set; x > 0. */
static inline int32_t edgeq_leading_zeros(uint32_t x)
{
    int32_t count = 0;

    while ((x & ((uint32_t)1 << 31)) == 0u) {
        x <<= 1;
        ++count;
    }
    return count;
}

/*
 * log(x) in Q5.26 for x >= 1 in Q12.19. To the bit the function that TFLite's log softmax uses: x is r * 2^k with r about
 * the fourth root of a half, by the closer of two ways to normalize it; a Pade approximation around that root follows.
 */
static inline int32_t edgeq_log_of_at_least_one(int32_t x)
{
    const int32_t log_2 = 1488522236;            /* Q0.31, as all of these */
    const int32_t root_half = 1518500250;        /* sqrt(1/2) */
    const int32_t fourth_root_half = 1805811301; /* (1/2)^(1/4) */
    const int32_t numerator = 117049297;         /* 11/240 * 2^(1/4) */
    const int32_t square = 127690142;            /* 1/20 * 2^(1/4) */
    const int32_t constant = 1057819769;         /* 2 * 2^(-1/4) - 2^(1/4) */
    const int32_t linear = 638450708;            /* 1/4 * 2^(1/4) */
    const int32_t quarter = (int32_t)1 << 23;    /* Q6.25, as powers of two are */
    const int32_t unit = (int32_t)1 << 25;
    const int32_t high = edgeq_leading_zeros((uint32_t)x);
    const int32_t low = edgeq_leading_zeros((uint32_t)edgeq_mul_q31(x, root_half)) - 1;
    const int32_t scaled = edgeq_mul_q31(edgeq_shift_left_saturated(x, high - 1), root_half);
    const int32_t r_high = edgeq_shift_left_saturated(scaled, 1);
    const int32_t r_low = edgeq_shift_left_saturated(x, low);
    const int32_t k_high = (12 - high) * unit + quarter;
    const int32_t k_low = (12 - low) * unit - quarter;
    const int32_t r = r_high < r_low ? r_high : r_low;
    const int32_t k = k_high > k_low ? k_high : k_low;
    const int32_t p = (int32_t)(((int64_t)r + fourth_root_half + 1) >> 1);
    const int32_t q = 2 * (r - fourth_root_half);
    const int32_t q2 = edgeq_mul_q31(q, q);
    const int32_t above = edgeq_mul_q31(q, r) + edgeq_mul_q31(edgeq_mul_q31(q, q2), numerator);
    const int32_t below = edgeq_mul_q31(p, constant + q + edgeq_mul_q31(square, q2)) + edgeq_mul_q31(linear, q);
    const int32_t rest = edgeq_mul_q31(edgeq_divide_by_pot(above, 6), edgeq_reciprocal_of_one_plus(below));

    return edgeq_shift_left_saturated(edgeq_mul_q31(k, log_2) + rest, 1);
}

#endif
