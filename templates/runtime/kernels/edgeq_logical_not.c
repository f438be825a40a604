/* SPDX-License-Identifier: Apache-2.0 */
/* Truth turned round. */
#include "edgeq_kernels.h"

arm_cmsis_nn_status edgeq_logical_not(const uint8_t *input, int32_t size, uint8_t *output)
{
    int32_t i;

    if (size < 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < size; ++i) {
        output[i] = input[i] == 0;
    }
    return ARM_CMSIS_NN_SUCCESS;
}
