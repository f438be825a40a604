/* SPDX-License-Identifier: Apache-2.0 */
/* Sums to a block that uses all of int8. */
#include "edgeq_blocking.h"
#include "edgeq_kernels_dynamic.h"

arm_cmsis_nn_status edgeq_dynamic_quantize_s32(const int32_t *input,
                                               const int32_t *input_scale,
                                               int32_t size,
                                               const edgeq_bounds *bounds,
                                               const edgeq_block_range *range,
                                               int8_t *output,
                                               int32_t *output_range)
{
    const edgeq_scale scale = edgeq_load_scale(input_scale);
    const edgeq_bounds limits = edgeq_bounds_in_steps(bounds, scale);
    int32_t low = 0;
    int32_t high = 0;
    int32_t i;

    if (size < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < size; ++i) {
        low = input[i] < low ? input[i] : low;
        high = input[i] > high ? input[i] : high;
    }
    /* 0 lies between the bounds */
    low = edgeq_clamp(low, limits.low, limits.high);
    high = edgeq_clamp(high, limits.low, limits.high);
    const edgeq_blocking block = edgeq_begin_blocking(low, high, range, scale, output_range);
    for (i = 0; i < size; ++i) {
        output[i] = edgeq_in_block(&block, edgeq_clamp(input[i], limits.low, limits.high));
    }
    return ARM_CMSIS_NN_SUCCESS;
}
