/* SPDX-License-Identifier: Apache-2.0 */
/* Products of int16 matrices that are both computed at run time, summed in 64 bits. */
#include "edgeq_fixedpoint.h"
#include "edgeq_index.h"
#include "edgeq_kernels.h"
#include "edgeq_kernels_s16.h"

arm_cmsis_nn_status edgeq_batch_matmul_s16(const edgeq_batch_matmul_params *p,
                                           const int16_t *input_1,
                                           const int16_t *input_2,
                                           int16_t *output)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};
    int32_t row, column, k;

    if (!edgeq_is_shape(p->rank, p->dims) || p->rows < 0 || p->columns < 0 || p->depth < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const int16_t *first = input_1 + edgeq_offset(p->rank, index, p->strides_1);
        const int16_t *second = input_2 + edgeq_offset(p->rank, index, p->strides_2);
        for (row = 0; row < p->rows; ++row) {
            for (column = 0; column < p->columns; ++column) {
                const int16_t *x = first + row * p->row_1;
                const int16_t *y = second + column * p->column_2;
                int64_t sum = 0;
                for (k = 0; k < p->depth; ++k, x += p->depth_1, y += p->depth_2) {
                    sum += (int64_t)(*x + p->offset_1) * (*y + p->offset_2);
                }
                *output++ = (int16_t)edgeq_clamp(edgeq_requantize_wide(sum, p->out_mult, p->out_shift) + p->out_offset,
                                                 INT16_MIN, INT16_MAX);
            }
        }
    } while (edgeq_next_index(p->rank, p->dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}
