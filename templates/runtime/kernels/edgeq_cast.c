/* SPDX-License-Identifier: Apache-2.0 */
/* Integers of one type as integers of another. */
#include "edgeq_integer.h"
#include "edgeq_kernels.h"

arm_cmsis_nn_status edgeq_cast(
    edgeq_type type, const void *input, int32_t size, edgeq_type output_type, void *output)
{
    int32_t i;

    if (size < 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < size; ++i) {
        edgeq_store(output, output_type, i, edgeq_load(input, type, i));
    }
    return ARM_CMSIS_NN_SUCCESS;
}
