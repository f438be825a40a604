/* SPDX-License-Identifier: Apache-2.0 */
/* Sums to a block of int8 whose scale follows what earlier inferences have shown. */
#include "edgeq_kernels_dynamic.h"

enum { LEVEL, QUIET, HIGHEST_NEED, SATURATED };

/* The least number of bits by which x, at least 2^30, has to be shifted not to exceed `largest`, a number of that many
 * bits. */
static int32_t bits_needed(int64_t x, int32_t largest, int32_t largest_bits)
{
    int32_t bits = 0;

    while (x >> bits >= (int64_t)1 << largest_bits) {
        ++bits;
    }
    return edgeq_shifted(x, bits) > largest ? bits + 1 : bits;
}

static int32_t peak_of(const int32_t *input, int32_t size, const edgeq_bounds *limits)
{
    int32_t peak = 0;
    int32_t i;

    for (i = 0; i < size; ++i) {
        const int32_t v = edgeq_clamp(input[i], limits->low, limits->high);
        const int32_t magnitude = v < 0 ? -v : v;
        if (magnitude > peak) {
            peak = magnitude;
        }
    }
    return peak;
}

/* The next level of an inference with that need, which used `level`. */
static void follow(int32_t *state, int32_t level, int32_t need, int32_t patience)
{
    if (need >= level) {
        state[LEVEL] = need;
        state[QUIET] = 0;
        state[HIGHEST_NEED] = need;
        return;
    }
    if (state[QUIET] == 0 || need > state[HIGHEST_NEED]) {
        state[HIGHEST_NEED] = need;
    }
    ++state[QUIET];
    state[LEVEL] = level;
    if (state[QUIET] >= patience) {
        state[LEVEL] = state[HIGHEST_NEED];
        state[QUIET] = 0;
    }
}

arm_cmsis_nn_status edgeq_adaptive_quantize_s32(const int32_t *input,
                                                const int32_t *input_scale,
                                                int32_t *state,
                                                int32_t size,
                                                const edgeq_bounds *bounds,
                                                int32_t largest,
                                                int32_t largest_bits,
                                                int32_t patience,
                                                int32_t output_offset,
                                                int8_t *output,
                                                int32_t *output_range)
{
    const edgeq_scale scale = edgeq_load_scale(input_scale);
    const edgeq_bounds limits = edgeq_bounds_in_steps(bounds, scale);
    const int32_t low = output_offset != 0 ? 0 : -largest;
    int32_t level = state[LEVEL];
    int32_t peak = 0;
    int32_t saturated = 0;
    int32_t i;

    if (size < 1 || patience < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    if (level == INT32_MIN) {
        const int32_t first = peak_of(input, size, &limits);
        level = first == 0 ? 0 : scale.exponent + bits_needed((int64_t)first * scale.mantissa, largest, largest_bits);
    }
    for (i = 0; i < size; ++i) {
        const int32_t v = edgeq_clamp(input[i], limits.low, limits.high);
        const int32_t magnitude = v < 0 ? -v : v;
        const int32_t y = edgeq_shifted((int64_t)v * scale.mantissa, level - scale.exponent);

        if (magnitude > peak) {
            peak = magnitude;
        }
        if (y > largest || y < low) {
            ++saturated;
        }
        output[i] = (int8_t)(edgeq_clamp(y, low, largest) + output_offset);
    }
    if (peak != 0) {
        const int64_t x = (int64_t)peak * scale.mantissa;
        follow(state, level, scale.exponent + bits_needed(x, largest, largest_bits), patience);
    }
    state[SATURATED] = saturated;
    const edgeq_scale power = {(int32_t)1 << EDGEQ_MANTISSA_BITS, level - EDGEQ_MANTISSA_BITS};
    edgeq_store_scale(power, output_range);
    output_range[2] = output_offset;
    return ARM_CMSIS_NN_SUCCESS;
}
