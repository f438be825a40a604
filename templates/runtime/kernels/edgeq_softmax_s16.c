/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax of int16 by tables of the exponential and the reciprocal. */
#include "edgeq_fixedpoint.h"
#include "edgeq_interpolate.h"
#include "edgeq_kernels_s16.h"

/* exp of a difference, in Q0.15; differences below -10 count as -10. */
static inline int32_t exponential(const int16_t *exp_table, int32_t difference, int32_t mult, int32_t shift)
{
    const int32_t place = edgeq_requantize(difference, mult, shift) + INT16_MAX;

    return edgeq_interpolate_s16(exp_table, edgeq_clamp(place, INT16_MIN, INT16_MAX));
}

static inline int32_t leading_zeros(uint32_t x)
{
    int32_t zeros = 0;

    for (; (x & 0x80000000u) == 0u; x <<= 1) {
        ++zeros;
    }
    return zeros;
}

arm_cmsis_nn_status edgeq_softmax_s16(const int16_t *input, int32_t rows, int32_t row_size, int32_t mult, int32_t shift,
                                      const int16_t *exp_table, const int16_t *reciprocal_table, int16_t *output)
{
    int32_t row, col;

    if (rows < 1 || row_size < 1 || row_size > INT16_MAX) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (row = 0; row < rows; ++row, input += row_size, output += row_size) {
        int32_t largest = INT16_MIN;
        int32_t sum = 0;

        for (col = 0; col < row_size; ++col) {
            largest = input[col] > largest ? input[col] : largest;
        }
        for (col = 0; col < row_size; ++col) {
            const int32_t e = exponential(exp_table, input[col] - largest, mult, shift);
            output[col] = (int16_t)e;
            sum += e;
        }
        {
            /* The sum is 2^(31 - headroom) times a number in [1, 2), whose reciprocal the table has. */
            const int32_t headroom = leading_zeros((uint32_t)sum);
            const int32_t mantissa = (int32_t)((((int64_t)sum << (headroom - 1)) + (1 << 13)) >> 14);
            const int32_t place = edgeq_clamp(mantissa - (1 << 15) - (1 << 16), INT16_MIN, INT16_MAX);
            const int32_t reciprocal = edgeq_interpolate_s16(reciprocal_table, place);
            const int32_t right = 31 - headroom;

            for (col = 0; col < row_size; ++col) {
                const int64_t y = ((int64_t)output[col] * reciprocal + ((int64_t)1 << (right - 1))) >> right;
                output[col] = (int16_t)edgeq_clamp((int32_t)y, 0, INT16_MAX);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
