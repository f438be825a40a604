/* SPDX-License-Identifier: Apache-2.0 */
/* Indices as places along an axis of their own. */
#include "edgeq_kernels_places.h"

arm_cmsis_nn_status edgeq_one_hot(const void *indices,
                                  edgeq_type index_type,
                                  int32_t outer,
                                  int32_t depth,
                                  int32_t inner,
                                  const void *values,
                                  edgeq_type type,
                                  void *output)
{
    int32_t i, j, k;

    if (outer < 1 || depth < 1 || inner < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < outer; ++i) {
        for (j = 0; j < depth; ++j) {
            for (k = 0; k < inner; ++k) {
                const bool points = edgeq_load(indices, index_type, i * inner + k) == j;

                edgeq_store(output, type, (i * depth + j) * inner + k, edgeq_load(values, type, points));
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
