/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks picked by one list of places per axis. */
#include "edgeq_index.h"
#include "edgeq_kernels.h"

#include <string.h>

arm_cmsis_nn_status edgeq_gather_s8(const int8_t *input,
                                    int32_t rank,
                                    const int32_t *dims,
                                    const int32_t *offsets,
                                    int32_t block,
                                    int8_t *output)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};
    int32_t axis;

    if (!edgeq_is_shape(rank, dims) || block < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const int32_t *places = offsets;
        const int8_t *x = input;

        for (axis = 0; axis < rank; ++axis) {
            x += places[index[axis]];
            places += dims[axis];
        }
        memcpy(output, x, (size_t)block);
        output += block;
    } while (edgeq_next_index(rank, dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}
