/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest element along any axes. */
#define EDGEQ_ELEMENT int8_t
#include "edgeq_reduce_extreme.h"
#include "edgeq_kernels.h"

arm_cmsis_nn_status edgeq_reduce_min_s8(const int8_t *input,
                                        int32_t kept_rank,
                                        const int32_t *kept_dims,
                                        const int32_t *kept_strides,
                                        int32_t reduced_rank,
                                        const int32_t *reduced_dims,
                                        const int32_t *reduced_strides,
                                        int8_t *output)
{
    return edgeq_reduce_extreme(true, input, kept_rank, kept_dims, kept_strides, reduced_rank, reduced_dims,
                                reduced_strides, output);
}
