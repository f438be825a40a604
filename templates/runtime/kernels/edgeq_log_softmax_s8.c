/* SPDX-License-Identifier: Apache-2.0 */
/* Log softmax, row by row, in fixed point. */
#include "edgeq_kernels_functions.h"
#include "edgeq_log.h"

enum {
    MAX_ROW = 4095,      /* exponentials in Q12.19 whose sum fits */
    SUM_INTEGER_BITS = 12,
    RESULT_SHIFT = 22,   /* from Q5.26 to sixteenths */
    OUTPUT_OFFSET = 127,
};

static int32_t largest_of(const int8_t *row, int32_t size)
{
    int32_t largest = row[0];
    int32_t i;

    for (i = 1; i < size; ++i) {
        largest = row[i] > largest ? row[i] : largest;
    }
    return largest;
}

arm_cmsis_nn_status edgeq_log_softmax_s8(const int8_t *input,
                                         int32_t num_rows,
                                         int32_t row_size,
                                         int32_t mult,
                                         int32_t shift,
                                         int32_t reverse_mult,
                                         int32_t reverse_shift,
                                         int32_t diff_min,
                                         int8_t *output)
{
    int32_t row, i;

    if (row_size < 1 || row_size > MAX_ROW) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (row = 0; row < num_rows; ++row, input += row_size, output += row_size) {
        const int32_t largest = largest_of(input, row_size);
        int32_t sum = 0;
        int32_t log, least;

        for (i = 0; i < row_size; ++i) {
            const int32_t difference = input[i] - largest;
            if (difference >= diff_min) {
                const int32_t exponential = edgeq_exp_on_negative(edgeq_requantize(difference, mult, shift));
                sum += edgeq_divide_by_pot(exponential, SUM_INTEGER_BITS);
            }
        }
        log = edgeq_log_of_at_least_one(sum);
        /* Of larger differences the subtraction below would overflow. */
        least = edgeq_requantize(log + INT32_MIN, reverse_mult, reverse_shift);
        least = least < diff_min - 1 ? diff_min - 1 : least;
        for (i = 0; i < row_size; ++i) {
            const int32_t difference = input[i] - largest;
            int32_t y = INT8_MIN;

            if (difference > least) {
                y = edgeq_divide_by_pot(edgeq_requantize(difference, mult, shift) - log, RESULT_SHIFT) + OUTPUT_OFFSET;
            }
            output[i] = (int8_t)edgeq_clamp(y, INT8_MIN, INT8_MAX);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
