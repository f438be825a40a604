/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks and sums as integers in fixed steps of a power of two. */
#include "edgeq_kernels_dynamic.h"

/* zero_point: an expression of `range`, what stands beside the input. */
#define EDGEQ_DYNAMIC_DEQUANTIZE(name, from, zero_point, to, lowest, highest)                                             \
    arm_cmsis_nn_status name(const from *input, const int32_t *range, int32_t size, const edgeq_bounds *bounds,          \
                             int32_t exponent, to *output)                                                               \
    {                                                                                                                    \
        const edgeq_scale scale = edgeq_load_scale(range);                                                               \
        const edgeq_bounds limits = edgeq_bounds_in_steps(bounds, scale);                                                \
        const int32_t zero = (zero_point);                                                                               \
        int32_t i;                                                                                                       \
                                                                                                                         \
        if (size < 1) {                                                                                                  \
            return ARM_CMSIS_NN_ARG_ERROR;                                                                               \
        }                                                                                                                \
        for (i = 0; i < size; ++i) {                                                                                     \
            const int32_t v = edgeq_clamp((int32_t)input[i] - zero, limits.low, limits.high);                            \
            const int32_t y = edgeq_shifted((int64_t)v * scale.mantissa, exponent - scale.exponent);                     \
            output[i] = (to)edgeq_clamp(y, lowest, highest);                                                             \
        }                                                                                                                \
        return ARM_CMSIS_NN_SUCCESS;                                                                                     \
    }

EDGEQ_DYNAMIC_DEQUANTIZE(edgeq_dynamic_dequantize_s8_s16, int8_t, edgeq_zero_point(range), int16_t, INT16_MIN, INT16_MAX)
EDGEQ_DYNAMIC_DEQUANTIZE(edgeq_dynamic_dequantize_s8_s32, int8_t, edgeq_zero_point(range), int32_t, INT32_MIN, INT32_MAX)
EDGEQ_DYNAMIC_DEQUANTIZE(edgeq_dynamic_dequantize_s32_s16, int32_t, 0, int16_t, INT16_MIN, INT16_MAX)
EDGEQ_DYNAMIC_DEQUANTIZE(edgeq_dynamic_dequantize_s32_s32, int32_t, 0, int32_t, INT32_MIN, INT32_MAX)
