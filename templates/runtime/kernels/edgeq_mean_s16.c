/* SPDX-License-Identifier: Apache-2.0 */
/* Mean of int16 over any set of axes. */
#define EDGEQ_ELEMENT int16_t
#include "edgeq_mean.h"
#include "edgeq_kernels_s16.h"

arm_cmsis_nn_status edgeq_mean_s16(const int16_t *input,
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
                                   int16_t *output)
{
    return edgeq_mean(input, kept_rank, kept_dims, kept_strides, reduced_rank, reduced_dims, reduced_strides, sum_offset,
                      out_mult, out_shift, out_offset, output);
}
