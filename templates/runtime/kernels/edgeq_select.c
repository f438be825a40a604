/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of one of two tensors, with broadcasting. */
#include "edgeq_index.h"
#include "edgeq_kernels.h"

#include <string.h>

arm_cmsis_nn_status edgeq_select(const uint8_t *condition,
                                 const void *input_1_data,
                                 const void *input_2_data,
                                 int32_t element_bytes,
                                 int32_t rank,
                                 const int32_t *dims,
                                 const int32_t *strides_0,
                                 const int32_t *strides_1,
                                 const int32_t *strides_2,
                                 void *output)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};
    uint8_t *y = output;

    if (!edgeq_is_shape(rank, dims) || element_bytes < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const uint8_t *x = input_1_data;
        const int32_t *strides = strides_1;

        if (condition[edgeq_offset(rank, index, strides_0)] == 0) {
            x = input_2_data;
            strides = strides_2;
        }
        /* of tensors that share their memory, an element meets itself */
        memmove(y, x + edgeq_offset(rank, index, strides) * element_bytes, (size_t)element_bytes);
        y += element_bytes;
    } while (edgeq_next_index(rank, dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}
