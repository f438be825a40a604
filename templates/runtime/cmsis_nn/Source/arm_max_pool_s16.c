/* SPDX-License-Identifier: Apache-2.0 */
/* Maximum pooling of int16. */
#include "arm_nnfunctions.h"

#define EDGEQ_ELEMENT int16_t
#include "edgeq_pool.h"

arm_cmsis_nn_status arm_max_pool_s16(const cmsis_nn_context *ctx,
                                     const cmsis_nn_pool_params *pool_params,
                                     const cmsis_nn_dims *input_dims,
                                     const int16_t *src,
                                     const cmsis_nn_dims *filter_dims,
                                     const cmsis_nn_dims *output_dims,
                                     int16_t *dst)
{
    (void)ctx;
    return edgeq_pool(true, pool_params, input_dims, src, filter_dims, output_dims, dst);
}
