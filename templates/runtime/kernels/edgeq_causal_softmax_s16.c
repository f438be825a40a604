/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax of int16 attention scores where no step sees those after it. */
#include <string.h>

#include "edgeq_kernels_functions.h"
#include "edgeq_kernels_s16.h"

arm_cmsis_nn_status edgeq_causal_softmax_s16(const int16_t *input,
                                             int32_t rows,
                                             int32_t steps,
                                             int32_t row_size,
                                             int32_t mult,
                                             int32_t shift,
                                             const int16_t *exp_table,
                                             const int16_t *reciprocal_table,
                                             int16_t *output)
{
    int32_t row;

    if (steps < 1 || row_size < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (row = 0; row < rows; ++row, input += row_size, output += row_size) {
        const int32_t step = row % steps + 1;
        const int32_t seen = step < row_size ? step : row_size;
        const arm_cmsis_nn_status status =
            edgeq_softmax_s16(input, 1, seen, mult, shift, exp_table, reciprocal_table, output);
        if (status != ARM_CMSIS_NN_SUCCESS) {
            return status;
        }
        memset(output + seen, 0, (size_t)(row_size - seen) * sizeof(int16_t));
    }
    return ARM_CMSIS_NN_SUCCESS;
}
