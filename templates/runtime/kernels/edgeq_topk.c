/* SPDX-License-Identifier: Apache-2.0 */
/* The largest elements of rows, and where they stand. */
#include "edgeq_integer.h"
#include "edgeq_kernels_places.h"

arm_cmsis_nn_status edgeq_topk(edgeq_type type,
                               const void *input,
                               int32_t rows,
                               int32_t size,
                               int32_t k,
                               void *values,
                               int32_t *places)
{
    int32_t row, rank, i;

    if (rows < 1 || size < 1 || k < 1 || k > size) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (row = 0; row < rows; ++row) {
        int64_t before = 0; /* the element of the rank above, which stands at `place` */
        int32_t place = -1;

        for (rank = 0; rank < k; ++rank) {
            int64_t best = 0;
            int32_t found = -1;

            for (i = 0; i < size; ++i) {
                const int64_t x = edgeq_load(input, type, row * size + i);
                const bool follows = place < 0 || x < before || (x == before && i > place);

                if (follows && (found < 0 || x > best)) {
                    best = x;
                    found = i;
                }
            }
            before = best;
            place = found;
            edgeq_store(values, type, row * k + rank, best);
            places[row * k + rank] = found;
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
