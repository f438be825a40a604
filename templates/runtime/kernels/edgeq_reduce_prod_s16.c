/* SPDX-License-Identifier: Apache-2.0 */
/* Product of int16 over any set of axes. */
#define EDGEQ_ELEMENT int16_t
#include "edgeq_reduce_prod.h"
#include "edgeq_kernels_functions.h"

arm_cmsis_nn_status edgeq_reduce_prod_s16(const int16_t *input,
                                          int32_t kept_rank,
                                          const int32_t *kept_dims,
                                          const int32_t *kept_strides,
                                          int32_t reduced_rank,
                                          const int32_t *reduced_dims,
                                          const int32_t *reduced_strides,
                                          int32_t in_offset,
                                          int32_t mult,
                                          int32_t shift,
                                          int32_t out_offset,
                                          int16_t *output)
{
    return edgeq_reduce_prod(input, kept_rank, kept_dims, kept_strides, reduced_rank, reduced_dims, reduced_strides, in_offset,
                             mult, shift, out_offset, output);
}
