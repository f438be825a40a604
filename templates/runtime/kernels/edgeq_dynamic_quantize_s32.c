/* SPDX-License-Identifier: Apache-2.0 */
/* Sums to a block that uses all of int8. */
#include "edgeq_kernels_dynamic.h"

/* A width of at least 1 as a scale: brought to 31 bits. */
static edgeq_scale normalized(uint32_t width)
{
    edgeq_scale scale = {0, 0};

    if (width > INT32_MAX) {
        width >>= 1;
        scale.exponent = 1;
    }
    while (width < (uint32_t)1 << EDGEQ_MANTISSA_BITS) {
        width <<= 1;
        --scale.exponent;
    }
    scale.mantissa = (int32_t)width;
    return scale;
}

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
        const int32_t v = edgeq_clamp(input[i], limits.low, limits.high);
        if (v < low) {
            low = v;
        }
        if (v > high) {
            high = v;
        }
    }
    uint32_t width = (uint32_t)high - (uint32_t)low;
    if (range->symmetric != 0) {
        width = (uint32_t)(high > -low ? high : -low);
    }
    const edgeq_scale whole = normalized(width > 0u ? width : 1u);
    const int32_t factor = (int32_t)(((int64_t)range->numerator << EDGEQ_MANTISSA_BITS) / whole.mantissa);
    const int32_t bits = EDGEQ_MANTISSA_BITS + range->numerator_bits + whole.exponent;
    const int64_t half = (int64_t)1 << (bits - 1);
    const int32_t zero_point = range->symmetric != 0 ? 0 : INT8_MIN - edgeq_shifted((int64_t)low * factor, bits);

    for (i = 0; i < size; ++i) {
        const int32_t v = edgeq_clamp(input[i], limits.low, limits.high);
        /* edgeq_shifted, of 22 bits and more, to no more than 256 in magnitude */
        const int32_t y = (int32_t)(((int64_t)v * factor + half) >> bits);
        output[i] = edgeq_saturate_s8(y, zero_point, INT8_MIN, INT8_MAX);
    }
    edgeq_store_scale(edgeq_scale_product(edgeq_scale_product(scale, whole), range->inverse), output_range);
    output_range[2] = zero_point;
    return ARM_CMSIS_NN_SUCCESS;
}
