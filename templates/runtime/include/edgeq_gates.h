/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The logistic function and tanh of 16-bit numbers in fixed point, to the bit the functions that gemmlowp defines and
 * TFLite's LSTM uses. "Qm.n" has m integer and n fractional bits, m + n = 15. Products of two such numbers round ties up
 * and saturate.
 */
#ifndef EDGEQ_GATES_H
#define EDGEQ_GATES_H

#include "edgeq_fixedpoint.h"

static inline int32_t edgeq_mul_q15(int32_t a, int32_t b)
{
    const int32_t y = (a * b + (1 << 14)) >> 15;
    return y > INT16_MAX ? INT16_MAX : y;
}

/* x * 2^bits, saturated to int16; |x| < 2^16, bits in [0, 14]. */
static inline int32_t edgeq_shift_left_q15(int32_t x, int32_t bits)
{
    return edgeq_clamp(x * (1 << bits), INT16_MIN, INT16_MAX);
}

/* exp(x) in Q0.15 for x <= 0 in Qm.n, m = integer_bits in [1, 7]. */
static inline int32_t edgeq_exp_on_negative_q15(int32_t x, int32_t integer_bits)
{
    /* exp(-2^k), k = -2 ... 4, in Q0.15 */
    static const int16_t powers[7] = {25520, 19875, 12055, 4435, 600, 11, 0};
    const int32_t exp_minus_eighth = 28918;
    const int32_t third = 10923;
    const int32_t fractional_bits = 15 - integer_bits;
    const int32_t quarter = (1 << fractional_bits) >> 2;
    const int32_t fraction = (x & (quarter - 1)) - quarter; /* x modulo 1/4, in [-1/4, 0) */
    const int32_t rest = fraction - x;                      /* a multiple of 1/4 */
    int32_t result;
    int32_t k;

    if (x == 0) {
        return INT16_MAX;
    }
    if (integer_bits > 5 && x < -(1 << (20 - integer_bits))) {
        return 0; /* below -32 */
    }
    {
        /* Taylor series to the fourth power around -1/8 */
        const int32_t t = edgeq_shift_left_q15(fraction, integer_bits) + (1 << 12);
        const int32_t t2 = edgeq_mul_q15(t, t);
        const int32_t t3 = edgeq_mul_q15(t2, t);
        const int32_t t4 = edgeq_mul_q15(t2, t2);
        const int32_t tail = edgeq_mul_q15(edgeq_divide_by_pot(t4, 2) + t3, third) + t2;
        const int32_t y = exp_minus_eighth + edgeq_mul_q15(exp_minus_eighth, t + edgeq_divide_by_pot(tail, 1));
        result = y > INT16_MAX ? INT16_MAX : y;
    }
    for (k = 0; k < 7 && k - 2 < integer_bits; ++k) {
        if (((rest >> (fractional_bits + k - 2)) & 1) != 0) {
            result = edgeq_mul_q15(result, powers[k]);
        }
    }
    return result;
}

/* 2 / (1 + x) in Q2.13 for x in [0, 1] in Q0.15: three Newton steps from a linear start. */
static inline int32_t edgeq_two_over_one_plus_q15(int32_t x)
{
    const int32_t half = (x + INT16_MAX + 1) >> 1;
    int32_t y = 23130 + edgeq_mul_q15(half, -15420); /* 48/17 - 32/17 * half */
    int32_t step;

    for (step = 0; step < 3; ++step) {
        const int32_t error = (1 << 13) - edgeq_mul_q15(half, y);
        y += edgeq_shift_left_q15(edgeq_mul_q15(y, error), 2);
    }
    return y;
}

/* 1 / (1 + exp(-x)) in Q0.15 for x in Q3.12. */
static inline int32_t edgeq_logistic_q15(int32_t x)
{
    const int32_t magnitude = x < 0 ? -x : x;
    int32_t y;

    if (x == 0) {
        return 1 << 14;
    }
    y = edgeq_shift_left_q15(edgeq_two_over_one_plus_q15(edgeq_exp_on_negative_q15(-magnitude, 3)), 1);
    return x > 0 ? y : INT16_MAX - y;
}

/* tanh(x) in Q0.15 for x in Qm.n, m = integer_bits in [0, 6]. */
static inline int32_t edgeq_tanh_q15(int32_t x, int32_t integer_bits)
{
    const int32_t magnitude = x < 0 ? -x : x;
    int32_t y;

    if (x == 0) {
        return 0;
    }
    y = edgeq_two_over_one_plus_q15(edgeq_exp_on_negative_q15(-magnitude, integer_bits + 1)) - (1 << 13);
    y = edgeq_shift_left_q15(y, 2);
    return x < 0 ? -y : y;
}

#endif
