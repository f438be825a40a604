/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of one int16 argument, by interpolated table. */
#include "edgeq_interpolate.h"
#include "edgeq_kernels_functions.h"

arm_cmsis_nn_status edgeq_lookup_s16(const int16_t *input, int32_t size, const int16_t table[513], int16_t *output)
{
    int32_t i;

    if (size < 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < size; ++i) {
        output[i] = edgeq_interpolate_s16(table, input[i]);
    }
    return ARM_CMSIS_NN_SUCCESS;
}
