/* SPDX-License-Identifier: Apache-2.0 */
/* Products of matrices that are both computed at run time. */
#include "edgeq_dot.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_index.h"
#include "edgeq_kernels.h"

arm_cmsis_nn_status edgeq_batch_matmul_s8(const edgeq_batch_matmul_params *p,
                                          const int8_t *input_1,
                                          const int8_t *input_2,
                                          int8_t *output)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};
    int32_t row, column;

    if (!edgeq_is_shape(p->rank, p->dims) || p->rows < 0 || p->columns < 0 || p->depth < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const int8_t *first = input_1 + edgeq_offset(p->rank, index, p->strides_1);
        const int8_t *second = input_2 + edgeq_offset(p->rank, index, p->strides_2);
        for (row = 0; row < p->rows; ++row) {
            for (column = 0; column < p->columns; ++column) {
                const int32_t sum = edgeq_dot_strided(first + row * p->row_1, p->depth_1, p->offset_1,
                                                      second + column * p->column_2, p->depth_2, p->offset_2, p->depth);
                const int32_t scaled = edgeq_requantize(sum, p->out_mult, p->out_shift);
                *output++ = edgeq_saturate_s8(scaled, p->out_offset, INT8_MIN, INT8_MAX);
            }
        }
    } while (edgeq_next_index(p->rank, p->dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}
