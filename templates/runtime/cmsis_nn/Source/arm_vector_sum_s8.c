/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of the rows of a matrix, times an offset, plus a bias. */
#include <stddef.h>

#include "arm_nnfunctions.h"

arm_cmsis_nn_status arm_vector_sum_s8(int32_t *vector_sum_buf,
                                      const int32_t vector_cols,
                                      const int32_t vector_rows,
                                      const int8_t *vector_data,
                                      const int32_t lhs_offset,
                                      const int32_t rhs_offset,
                                      const int32_t *bias_data)
{
    int32_t row, col;

    for (row = 0; row < vector_rows; ++row, vector_data += vector_cols) {
        int32_t sum = vector_cols * rhs_offset;
        for (col = 0; col < vector_cols; ++col) {
            sum += vector_data[col];
        }
        vector_sum_buf[row] = sum * lhs_offset + (bias_data != NULL ? bias_data[row] : 0);
    }
    return ARM_CMSIS_NN_SUCCESS;
}
