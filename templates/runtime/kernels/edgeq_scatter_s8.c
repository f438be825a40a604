/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks put to the places that one list per axis names. */
#include "edgeq_index.h"
#include "edgeq_kernels_places.h"

#include <string.h>

arm_cmsis_nn_status edgeq_scatter_s8(const int8_t *input,
                                     int32_t rank,
                                     const int32_t *dims,
                                     const int32_t *offsets,
                                     int32_t block,
                                     int8_t *output,
                                     int32_t size,
                                     int8_t value)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};
    int32_t axis;

    if (!edgeq_is_shape(rank, dims) || block < 1 || size < block) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    memset(output, value, (size_t)size);
    do {
        const int32_t *places = offsets;
        int8_t *y = output;

        for (axis = 0; axis < rank; ++axis) {
            y += places[index[axis]];
            places += dims[axis];
        }
        memcpy(y, input, (size_t)block);
        input += block;
    } while (edgeq_next_index(rank, dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}
