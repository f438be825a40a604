/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place of the firmware where integers round.
 *
 * A real factor is held as multiplier * 2^(shift - 31): multiplier is a Q0.31 number (normally in {0} or
 * [2^30, 2^31 - 1], negated for a subtraction), shift lies in [-31, 30], positive shifts to the left.
 *
 * Nothing here overflows a signed integer or shifts a negative one to the left. One thing is left to the
 * implementation by the C standard and relied on: >> of a negative integer is an arithmetic shift. Every compiler for
 * Cortex-M, and gcc and clang everywhere, document it so.
 */
#ifndef EDGEQ_FIXEDPOINT_H
#define EDGEQ_FIXEDPOINT_H

#include <stdint.h>

/* The value of x modulo 2^32 in int32's range (two's complement, which int32_t is by definition). */
static inline int32_t edgeq_wrap_s32(uint32_t x)
{
    union {
        uint32_t from;
        int32_t to;
    } bits;
    bits.from = x;
    return bits.to;
}

/* x * 2^bits, bits in [0, 31]. Wraps where the product does not fit: callers know that it does. */
static inline int32_t edgeq_shift_left(int32_t x, int32_t bits)
{
    return edgeq_wrap_s32((uint32_t)x << bits);
}

/* x limited to [low, high]; low <= high. */
static inline int32_t edgeq_clamp(int32_t x, int32_t low, int32_t high)
{
    const int32_t above = x < low ? low : x;
    return above > high ? high : above;
}

/* x + offset limited to [low, high], for any x; low, high and offset in int16's range. */
static inline int32_t edgeq_saturate(int32_t x, int32_t offset, int32_t low, int32_t high)
{
    /* Limiting first keeps the sum from overflowing. */
    return edgeq_clamp(x, low - offset, high - offset) + offset;
}

/* The same in int8: low, high and offset in its range. */
static inline int8_t edgeq_saturate_s8(int32_t x, int32_t offset, int32_t low, int32_t high)
{
    return (int8_t)edgeq_saturate(x, offset, low, high);
}

/*
 * round(a * b / 2^31), ties towards plus infinity: the product of two Q0.31 numbers.
 * The one product that does not fit, (-1) * (-1), gives the largest Q0.31 number.
 */
static inline int32_t edgeq_mul_q31(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* round(x / 2^exponent), ties away from zero; exponent in [0, 31]. */
static inline int32_t edgeq_divide_by_pot(int32_t x, int32_t exponent)
{
    const uint32_t mask = ((uint32_t)1 << exponent) - 1u;
    const uint32_t remainder = (uint32_t)x & mask;
    /* The quotient below is a floor. It is one too small when the remainder exceeds a half, or is just a half and x
     * is positive. */
    const uint32_t threshold = (mask >> 1) + (x < 0 ? 1u : 0u);
    return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/*
 * x * multiplier * 2^(shift - 31), rounded twice: the high product with ties up, then the right shift with ties away
 * from zero. TFLite's and CMSIS-NN's default. x * 2^shift must fit 32 bits where shift is positive; it wraps
 * otherwise, as it does there. multiplier > INT32_MIN.
 */
static inline int32_t edgeq_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    /* Without the saturating case of edgeq_mul_q31, which a multiplier above INT32_MIN cannot reach. */
    const int64_t product = (int64_t)edgeq_shift_left(x, left) * multiplier;
    return edgeq_divide_by_pot((int32_t)((product + ((int64_t)1 << 30)) >> 31), right);
}

/*
 * x * multiplier * 2^(shift - 31), rounded once, ties up, saturated to int32. TFLite's TFLITE_SINGLE_ROUNDING, which
 * LiteRT 2.x's FULLY_CONNECTED follows.
 */
static inline int32_t edgeq_requantize_single(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t total = 31 - shift; /* in [1, 62]: the sum below stays under 2^62 + 2^61 */
    const int64_t y = ((int64_t)x * multiplier + ((int64_t)1 << (total - 1))) >> total;
    if (y > INT32_MAX) {
        return INT32_MAX;
    }
    return y < INT32_MIN ? INT32_MIN : (int32_t)y;
}

/*
 * x * multiplier * 2^(shift - 31) of a 64-bit accumulator, |x| < 2^47, rounded once, ties up, with the multiplier
 * rounded to 15 bits; shift in [-31, 7]. TFLite's requantization of 16-bit layers. The result must fit 32 bits.
 */
static inline int32_t edgeq_requantize_wide(int64_t x, int32_t multiplier, int32_t shift)
{
    const int32_t reduced = multiplier < 0x7fff0000 ? (multiplier + (1 << 15)) >> 16 : 0x7fff;
    const int32_t total = 15 - shift;
    return (int32_t)((x * reduced + ((int64_t)1 << (total - 1))) >> total);
}

/* x * 2^bits, saturated; bits in [1, 30]. */
static inline int32_t edgeq_shift_left_saturated(int32_t x, int32_t bits)
{
    const int32_t limit = (int32_t)(((uint32_t)1 << (31 - bits)) - 1u);
    if (x > limit) {
        return INT32_MAX;
    }
    return x < -limit ? INT32_MIN : edgeq_shift_left(x, bits);
}

/*
 * exp(x) for x <= 0: x in Q5.26, the result in Q0.31 (INT32_MAX for exp(0)). To the bit the function that gemmlowp
 * defines and TFLite's and CMSIS-NN's softmax use.
 */
static inline int32_t edgeq_exp_on_negative(int32_t x)
{
    /* exp(-2^k), k = -2 ... 4, in Q0.31 */
    static const int32_t powers[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int32_t quarter = (int32_t)1 << 24;        /* 1/4 in Q5.26 */
    const int32_t exp_minus_eighth = 1895147668;     /* exp(-1/8) in Q0.31 */
    const int32_t third = 715827883;                 /* 1/3 in Q0.31 */
    const int32_t fraction = (x & (quarter - 1)) - quarter; /* x modulo 1/4, in [-1/4, 0) */
    uint32_t quarters = (uint32_t)(fraction - x) >> 24;     /* the rest of -x, in quarters: 0 ... 127 */
    int32_t result;
    int32_t i;

    if (x == 0) {
        return INT32_MAX;
    }
    {
        /* Taylor series to the fourth power around -1/8; t in Q0.31, in [-1/8, 1/8) */
        const int32_t t = fraction * 32 + ((int32_t)1 << 28);
        const int32_t t2 = edgeq_mul_q31(t, t);
        const int32_t t3 = edgeq_mul_q31(t2, t);
        const int32_t t4 = edgeq_mul_q31(t2, t2);
        const int32_t tail = edgeq_mul_q31(edgeq_divide_by_pot(t4, 2) + t3, third) + t2; /* t^2 + t^3/3 + t^4/12 */
        const int32_t series = t + edgeq_divide_by_pot(tail, 1);                         /* exp(t) - 1 */
        result = exp_minus_eighth + edgeq_mul_q31(exp_minus_eighth, series);
    }
    for (i = 0; quarters != 0u; ++i, quarters >>= 1) {
        if ((quarters & 1u) != 0u) {
            result = edgeq_mul_q31(result, powers[i]);
        }
    }
    return result;
}

/*
 * 1 / (1 + x) for x in [0, 1), both in Q0.31. Three Newton steps from a linear start, as gemmlowp defines it.
 */
static inline int32_t edgeq_reciprocal_of_one_plus(int32_t x)
{
    const int32_t half = (int32_t)(((uint32_t)x + ((uint32_t)1 << 31)) >> 1); /* (1 + x) / 2 in Q0.31 */
    const int32_t one = (int32_t)1 << 29;                                     /* 1 in Q2.29 */
    /* y estimates 1 / half, in (1, 2], in Q2.29: 48/17 - 32/17 * half to begin with */
    int32_t y = 1515870810 + edgeq_mul_q31(half, -1010580540);
    int32_t step;

    for (step = 0; step < 3; ++step) {
        const int32_t error = one - edgeq_mul_q31(half, y);
        y += edgeq_shift_left_saturated(edgeq_mul_q31(y, error), 2);
    }
    return edgeq_shift_left_saturated(y, 1); /* y / 2, from Q2.29 to Q0.31 */
}

#endif
