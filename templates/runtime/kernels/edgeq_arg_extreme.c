/* SPDX-License-Identifier: Apache-2.0 */
/* Where the largest or the smallest element along an axis stands. */
#include "edgeq_integer.h"
#include "edgeq_kernels.h"

arm_cmsis_nn_status edgeq_arg_extreme(bool largest,
                                      edgeq_type type,
                                      const void *input,
                                      int32_t outer,
                                      int32_t size,
                                      int32_t inner,
                                      edgeq_type output_type,
                                      void *output)
{
    int32_t i, j, k;

    if (outer < 1 || size < 1 || inner < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < outer; ++i) {
        for (j = 0; j < inner; ++j) {
            const int32_t first = i * size * inner + j;
            int64_t best = edgeq_load(input, type, first);
            int32_t place = 0;

            for (k = 1; k < size; ++k) {
                const int64_t x = edgeq_load(input, type, first + k * inner);

                if (largest ? x > best : x < best) {
                    best = x;
                    place = k;
                }
            }
            edgeq_store(output, output_type, i * inner + j, place);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
