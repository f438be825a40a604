/* SPDX-License-Identifier: Apache-2.0 */
/* Rows divided by their Euclidean length. */
#include "edgeq_kernels_functions.h"
#include "edgeq_log.h"

enum {
    MAX_ROW = 33025,  /* squares of up to 255 whose sum fits */
    OUTPUT_BITS = 7,
};

/* 1 / sqrt(x) as result * 2^(shift - 31), x > 0: five Newton steps from 1 in Q3.28, as TFLite has it. */
static int32_t inverse_root(int32_t x, int32_t *shift)
{
    const int32_t root_half = 1518500250; /* sqrt(1/2) in Q0.31 */
    const int32_t three_halves = ((int32_t)1 << 28) + ((int32_t)1 << 27);
    int32_t y = (int32_t)1 << 28;
    int32_t half, left, step;

    *shift = 0;
    if (x == 1) {
        return INT32_MAX;
    }
    while (x >= ((int32_t)1 << 29)) {
        x >>= 2;
        --*shift;
    }
    left = (edgeq_leading_zeros((uint32_t)x) - 1) / 2 - 1;
    *shift -= 11 - left;
    half = edgeq_divide_by_pot(edgeq_shift_left(x, 2 * left) >> 1, 1);
    for (step = 0; step < 5; ++step) {
        const int32_t cube = edgeq_shift_left_saturated(edgeq_mul_q31(edgeq_mul_q31(y, y), y), 6);
        y = edgeq_shift_left_saturated(edgeq_mul_q31(three_halves, y) - edgeq_mul_q31(half, cube), 3);
    }
    y = edgeq_mul_q31(y, root_half);
    if (*shift > 0) {
        y = edgeq_shift_left(y, *shift);
        *shift = 0;
    }
    return y;
}

arm_cmsis_nn_status edgeq_l2_normalization_s8(
    const int8_t *input, int32_t num_rows, int32_t row_size, int32_t in_offset, int8_t *output)
{
    int32_t row, i;

    if (row_size < 1 || row_size > MAX_ROW) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (row = 0; row < num_rows; ++row, input += row_size, output += row_size) {
        int32_t sum = 0;
        int32_t multiplier, shift;

        for (i = 0; i < row_size; ++i) {
            const int32_t x = input[i] + in_offset;
            sum += x * x;
        }
        multiplier = inverse_root(sum < 1 ? 1 : sum, &shift);
        for (i = 0; i < row_size; ++i) {
            const int32_t y = edgeq_requantize(input[i] + in_offset, multiplier, shift + OUTPUT_BITS);
            output[i] = (int8_t)edgeq_clamp(y, INT8_MIN, INT8_MAX);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
