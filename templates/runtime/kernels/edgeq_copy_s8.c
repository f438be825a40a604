/* SPDX-License-Identifier: Apache-2.0 */
/* Strided copy: slices, transpositions, repetitions, and everything that is made of them. */
#include "edgeq_index.h"
#include "edgeq_kernels.h"

#include <string.h>

arm_cmsis_nn_status edgeq_copy_s8(const int8_t *input,
                                  int32_t rank,
                                  const int32_t *dims,
                                  const int32_t *strides,
                                  int8_t *output)
{
    int32_t index[EDGEQ_MAX_COPY_RANK - 1] = {0}; /* without the last axis */
    int32_t i;

    if (!edgeq_is_shape_of(EDGEQ_MAX_COPY_RANK, rank, dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t outer = rank > 0 ? rank - 1 : 0;
    const int32_t length = rank > 0 ? dims[outer] : 1;
    const int32_t step = rank > 0 ? strides[outer] : 1;
    do {
        const int8_t *x = input + edgeq_offset(outer, index, strides);

        if (step == 1) {
            memcpy(output, x, (size_t)length);
        } else {
            for (i = 0; i < length; ++i) {
                output[i] = x[i * step];
            }
        }
        output += length;
    } while (edgeq_next_index(outer, dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}
