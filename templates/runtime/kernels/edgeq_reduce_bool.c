/* SPDX-License-Identifier: Apache-2.0 */
/* Whether all or any of the bools along some axes hold. */
#include "edgeq_index.h"
#include "edgeq_kernels_places.h"

#include <stdbool.h>

/* Looks for a bool that is `wanted`; the result is wanted where there is one. */
static arm_cmsis_nn_status search(bool wanted,
                                  const uint8_t *input,
                                  int32_t kept_rank,
                                  const int32_t *kept_dims,
                                  const int32_t *kept_strides,
                                  int32_t reduced_rank,
                                  const int32_t *reduced_dims,
                                  const int32_t *reduced_strides,
                                  uint8_t *output)
{
    int32_t kept[EDGEQ_MAX_RANK] = {0};
    int32_t reduced[EDGEQ_MAX_RANK] = {0};
    int32_t at = 0;

    if (!edgeq_is_shape(kept_rank, kept_dims) || !edgeq_is_shape(reduced_rank, reduced_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const int32_t first = edgeq_offset(kept_rank, kept, kept_strides);
        bool found = false;

        do {
            const int32_t place = first + edgeq_offset(reduced_rank, reduced, reduced_strides);
            found = found || (edgeq_load(input, EDGEQ_TYPE_BOOL, place) != 0) == wanted;
        } while (edgeq_next_index(reduced_rank, reduced_dims, reduced));
        edgeq_store(output, EDGEQ_TYPE_BOOL, at++, found == wanted);
    } while (edgeq_next_index(kept_rank, kept_dims, kept));
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status edgeq_reduce_all(const uint8_t *input,
                                     int32_t kept_rank,
                                     const int32_t *kept_dims,
                                     const int32_t *kept_strides,
                                     int32_t reduced_rank,
                                     const int32_t *reduced_dims,
                                     const int32_t *reduced_strides,
                                     uint8_t *output)
{
    return search(false, input, kept_rank, kept_dims, kept_strides, reduced_rank, reduced_dims, reduced_strides, output);
}

arm_cmsis_nn_status edgeq_reduce_any(const uint8_t *input,
                                     int32_t kept_rank,
                                     const int32_t *kept_dims,
                                     const int32_t *kept_strides,
                                     int32_t reduced_rank,
                                     const int32_t *reduced_dims,
                                     const int32_t *reduced_strides,
                                     uint8_t *output)
{
    return search(true, input, kept_rank, kept_dims, kept_strides, reduced_rank, reduced_dims, reduced_strides, output);
}
