/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax of int8, row by row, in fixed point, with results of EDGEQ_OUTPUT: define it before including this. */
#ifndef EDGEQ_SOFTMAX_H
#define EDGEQ_SOFTMAX_H

#include "arm_nnfunctions.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_window.h"

/* exponentials are Q0.31, their sum Q12.19: up to 4095 of them fit */
enum { SUM_INTEGER_BITS = 12 };

/* exp(difference * beta * scale) in Q0.31; difference <= 0 */
static EDGEQ_NOINLINE int32_t exponential(int32_t difference, int32_t mult, int32_t shift)
{
    return edgeq_exp_on_negative(edgeq_mul_q31(edgeq_shift_left(difference, shift), mult));
}

static inline int32_t largest_of(const int8_t *row, int32_t size)
{
    int32_t largest = row[0];
    int32_t i;

    for (i = 1; i < size; ++i) {
        largest = row[i] > largest ? row[i] : largest;
    }
    return largest;
}

static inline void edgeq_softmax(const int8_t *input,
                                 int32_t num_rows,
                                 int32_t row_size,
                                 int32_t mult,
                                 int32_t shift,
                                 int32_t diff_min,
                                 EDGEQ_OUTPUT *output)
{
    const int32_t bits = 8 * (int32_t)sizeof(EDGEQ_OUTPUT);
    const int32_t high = bits == 8 ? INT8_MAX : INT16_MAX;
    const int32_t low = -high - 1;
    int32_t row, i;

    for (row = 0; row < num_rows; ++row, input += row_size, output += row_size) {
        const int32_t largest = largest_of(input, row_size);
        int32_t headroom = 0; /* leading zeros of the sum */
        int32_t scale;
        int32_t exponent;
        uint32_t sum = 0;

        for (i = 0; i < row_size; ++i) {
            const int32_t difference = input[i] - largest;
            if (difference >= diff_min) {
                sum += (uint32_t)edgeq_divide_by_pot(exponential(difference, mult, shift), SUM_INTEGER_BITS);
            }
        }
        while (sum != 0u && (sum & ((uint32_t)1 << 31)) == 0u) {
            sum <<= 1;
            ++headroom;
        }
        /* The sum is now 1 + x in Q1.31, x in [0, 1): without its leading bit it is x in Q0.31. */
        scale = edgeq_reciprocal_of_one_plus((int32_t)(sum & (uint32_t)INT32_MAX));
        /* from Q0.31 to the output's fractional bits, undoing the normalization */
        exponent = 31 - bits + SUM_INTEGER_BITS - headroom;
        for (i = 0; i < row_size; ++i) {
            const int32_t difference = input[i] - largest;
            int32_t y = 0;

            /* An exponent beyond 31 means a quotient below a half: zero. */
            if (difference >= diff_min && exponent <= 31) {
                y = edgeq_divide_by_pot(edgeq_mul_q31(scale, exponential(difference, mult, shift)), exponent);
            }
            output[i] = (EDGEQ_OUTPUT)edgeq_clamp(y + low, low, high);
        }
    }
}

#endif
