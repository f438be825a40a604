/* SPDX-License-Identifier: Apache-2.0 */
/* Mean over any set of axes. */
#include "edgeq_fixedpoint.h"
#include "edgeq_index.h"
#include "edgeq_kernels.h"

static int32_t sum_of(const int8_t *input, int32_t rank, const int32_t *dims, const int32_t *strides)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};
    const int32_t outer = rank > 0 ? rank - 1 : 0;
    const int32_t length = rank > 0 ? dims[outer] : 1;
    const int32_t step = rank > 0 ? strides[outer] : 0;
    int32_t sum = 0;
    int32_t i;

    do {
        const int8_t *x = input + edgeq_offset(outer, index, strides);
        for (i = 0; i < length; ++i, x += step) {
            sum += *x;
        }
    } while (edgeq_next_index(outer, dims, index));
    return sum;
}

arm_cmsis_nn_status edgeq_mean_s8(const int8_t *input,
                                  int32_t kept_rank,
                                  const int32_t *kept_dims,
                                  const int32_t *kept_strides,
                                  int32_t reduced_rank,
                                  const int32_t *reduced_dims,
                                  const int32_t *reduced_strides,
                                  int32_t sum_offset,
                                  int32_t out_mult,
                                  int32_t out_shift,
                                  int32_t out_offset,
                                  int8_t *output)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};

    if (!edgeq_is_shape(kept_rank, kept_dims) || !edgeq_is_shape(reduced_rank, reduced_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const int8_t *first = input + edgeq_offset(kept_rank, index, kept_strides);
        const int32_t sum = sum_of(first, reduced_rank, reduced_dims, reduced_strides) + sum_offset;
        const int32_t y = edgeq_requantize(sum, out_mult, out_shift);
        *output++ = edgeq_saturate_s8(y, out_offset, INT8_MIN, INT8_MAX);
    } while (edgeq_next_index(kept_rank, kept_dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}
