/* SPDX-License-Identifier: Apache-2.0 */
/* Products of matrices that are both blocks of int8. */
#include "edgeq_dot.h"
#include "edgeq_index.h"
#include "edgeq_kernels_dynamic.h"

arm_cmsis_nn_status edgeq_dynamic_batch_matmul_s8(const edgeq_batch_matmul_params *p,
                                                  const int8_t *input_1,
                                                  const int32_t *range_1,
                                                  const int8_t *input_2,
                                                  const int32_t *range_2,
                                                  int32_t *output,
                                                  int32_t *output_scale)
{
    const int32_t offset_1 = -edgeq_zero_point(range_1);
    const int32_t offset_2 = -edgeq_zero_point(range_2);
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
                *output++ = edgeq_dot_strided(first + row * p->row_1, p->depth_1, offset_1,
                                              second + column * p->column_2, p->depth_2, offset_2, p->depth);
            }
        }
    } while (edgeq_next_index(p->rank, p->dims, index));
    edgeq_store_scale(edgeq_scale_product(edgeq_load_scale(range_1), edgeq_load_scale(range_2)), output_scale);
    return ARM_CMSIS_NN_SUCCESS;
}
