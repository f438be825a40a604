/* SPDX-License-Identifier: Apache-2.0 */
/* Beginnings of sequences backwards. */
#include <string.h>

#include "edgeq_kernels_places.h"

/* The step that comes to stand at this one. */
static inline int32_t source_of(int32_t step, int64_t length, int32_t steps)
{
    const int32_t end = length < 0 ? 0 : length < steps ? (int32_t)length : steps;

    return step < end ? end - 1 - step : step;
}

arm_cmsis_nn_status edgeq_reverse_sequence(const int8_t *input,
                                           int32_t outer,
                                           int32_t first,
                                           int32_t middle,
                                           int32_t second,
                                           int32_t block,
                                           bool steps_last,
                                           const void *lengths,
                                           edgeq_type length_type,
                                           int8_t *output)
{
    int32_t i, j, k, l;

    if (outer < 1 || first < 1 || middle < 1 || second < 1 || block < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < outer; ++i, input += first * middle * second * block) {
        for (j = 0; j < first; ++j) {
            for (k = 0; k < middle; ++k) {
                for (l = 0; l < second; ++l, output += block) {
                    const int64_t length = edgeq_load(lengths, length_type, steps_last ? j : l);
                    const int32_t from_first = steps_last ? j : source_of(j, length, first);
                    const int32_t from_second = steps_last ? source_of(l, length, second) : l;
                    const int32_t place = (from_first * middle + k) * second + from_second;

                    memcpy(output, input + place * block, (size_t)block);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
