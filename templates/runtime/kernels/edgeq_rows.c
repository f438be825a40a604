/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables that indices name. */
#include "edgeq_kernels_places.h"

#include <string.h>

arm_cmsis_nn_status edgeq_rows(const int8_t *tables,
                               int32_t outer,
                               int32_t rows,
                               int32_t block,
                               const void *indices,
                               edgeq_type index_type,
                               int32_t count,
                               int8_t *output)
{
    int32_t table, i;

    if (outer < 1 || rows < 1 || block < 1 || count < 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (table = 0; table < outer; ++table, tables += rows * block) {
        for (i = 0; i < count; ++i, output += block) {
            memcpy(output, tables + edgeq_nearest(edgeq_load(indices, index_type, i), rows) * block, (size_t)block);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
