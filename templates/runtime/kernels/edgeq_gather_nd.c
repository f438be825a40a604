/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks at places that are told by an index for each axis. */
#include <string.h>

#include "edgeq_index.h"
#include "edgeq_kernels_places.h"

arm_cmsis_nn_status edgeq_gather_nd(const int8_t *input,
                                    int32_t depth,
                                    const int32_t *dims,
                                    int32_t block,
                                    const void *indices,
                                    edgeq_type index_type,
                                    int32_t count,
                                    int8_t *output)
{
    int32_t i, axis;

    if (depth < 1 || !edgeq_is_shape(depth, dims) || block < 1 || count < 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < count; ++i, output += block) {
        int32_t place = 0;

        for (axis = 0; axis < depth; ++axis) {
            place = place * dims[axis] + edgeq_nearest(edgeq_load(indices, index_type, i * depth + axis), dims[axis]);
        }
        memcpy(output, input + place * block, (size_t)block);
    }
    return ARM_CMSIS_NN_SUCCESS;
}
