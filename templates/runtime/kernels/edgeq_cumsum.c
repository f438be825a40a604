/* SPDX-License-Identifier: Apache-2.0 */
/* Running sums along an axis. */
#include "edgeq_fixedpoint.h"
#include "edgeq_integer.h"
#include "edgeq_kernels_functions.h"

/* The element that is the i-th to be added, of those that lie `inner` apart. */
static inline int32_t place_of(int32_t i, int32_t size, int32_t inner, bool reverse)
{
    return (reverse ? size - 1 - i : i) * inner;
}

arm_cmsis_nn_status edgeq_cumsum(edgeq_type type,
                                 const void *input,
                                 int32_t outer,
                                 int32_t size,
                                 int32_t inner,
                                 bool exclusive,
                                 bool reverse,
                                 void *output)
{
    int32_t i, j, k;

    if (outer < 1 || size < 1 || inner < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < outer; ++i) {
        for (j = 0; j < inner; ++j) {
            uint64_t sum = 0; /* wraps around */

            for (k = 0; k < size; ++k) {
                const int32_t at = i * size * inner + j + place_of(k, size, inner, reverse);
                const uint64_t before = sum;

                sum += (uint64_t)edgeq_load(input, type, at);
                edgeq_store(output, type, at, (int64_t)(exclusive ? before : sum));
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status edgeq_cumsum_scaled(edgeq_type type,
                                        const void *input,
                                        int32_t outer,
                                        int32_t size,
                                        int32_t inner,
                                        bool exclusive,
                                        bool reverse,
                                        int32_t in_offset,
                                        int32_t mult,
                                        int32_t shift,
                                        int32_t out_offset,
                                        void *output)
{
    const int32_t high = type == EDGEQ_TYPE_INT8 ? INT8_MAX : INT16_MAX;
    const int32_t low = -high - 1;
    int32_t i, j, k;

    if (outer < 1 || size < 1 || inner < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < outer; ++i) {
        for (j = 0; j < inner; ++j) {
            int32_t sum = 0;

            for (k = 0; k < size; ++k) {
                const int32_t at = i * size * inner + j + place_of(k, size, inner, reverse);
                const int32_t before = sum;

                sum += (int32_t)edgeq_load(input, type, at) + in_offset;
                const int32_t y = edgeq_requantize(exclusive ? before : sum, mult, shift);
                edgeq_store(output, type, at, edgeq_saturate(y, out_offset, low, high));
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
