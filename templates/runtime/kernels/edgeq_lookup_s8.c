/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of one argument, by table. */
#include "edgeq_kernels.h"

arm_cmsis_nn_status edgeq_lookup_s8(const int8_t *input, int32_t size, const int8_t table[256], int8_t *output)
{
    int32_t i;

    if (size < 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < size; ++i) {
        output[i] = table[input[i] + 128];
    }
    return ARM_CMSIS_NN_SUCCESS;
}
