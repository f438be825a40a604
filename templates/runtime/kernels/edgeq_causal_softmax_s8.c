/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax of attention scores where no step sees those after it. */
#include <string.h>

#include "arm_nnfunctions.h"
#include "edgeq_kernels.h"

arm_cmsis_nn_status edgeq_causal_softmax_s8(const int8_t *input,
                                            int32_t rows,
                                            int32_t steps,
                                            int32_t row_size,
                                            int32_t mult,
                                            int32_t shift,
                                            int32_t diff_min,
                                            int8_t *output)
{
    int32_t row;

    if (steps < 1 || row_size < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (row = 0; row < rows; ++row, input += row_size, output += row_size) {
        const int32_t step = row % steps + 1;
        const int32_t seen = step < row_size ? step : row_size;
        arm_softmax_s8(input, 1, seen, mult, shift, diff_min, output);
        memset(output + seen, INT8_MIN, (size_t)(row_size - seen));
    }
    return ARM_CMSIS_NN_SUCCESS;
}
