/* SPDX-License-Identifier: Apache-2.0 */
/* What comes before, between and beside the two passes. */
#include "edgeq_ranging.h"

#include <stddef.h>

bool edgeq_begin_ranging(edgeq_ranging *r, const cmsis_nn_context *ctx, const edgeq_sum_scale *from,
                         const int32_t *input_range, const edgeq_bounds *bounds, const int32_t *bias,
                         const int32_t *weight_sums, int32_t channels, const cmsis_nn_per_channel_quant_params *quant,
                         cmsis_nn_context *rest)
{
    const edgeq_blocking none = {0, 0, 0, 0};
    int32_t *const memory = ctx->buf;
    int32_t scale[2];
    int32_t c;

    if (memory == NULL || ctx->size < 16 * channels) {
        return false;
    }
    rest->buf = memory + 4 * channels;
    rest->size = ctx->size - 16 * channels;
    r->extremes = (edgeq_extremes *)memory;
    r->offsets = memory + 2 * channels;
    r->sums = edgeq_begin_sums(from, input_range, bias, channels, quant, memory + 3 * channels, scale);
    r->scale = edgeq_load_scale(scale);
    r->limits = edgeq_bounds_in_steps(bounds, r->scale);
    r->block = none;
    r->is_second = false;
    r->is_usual = false;
    for (c = 0; c < channels; ++c) {
        r->extremes[c].low = INT32_MAX;
        r->extremes[c].high = INT32_MIN;
        r->offsets[c] = -edgeq_zero_point(input_range) * weight_sums[c];
    }
    return true;
}

void edgeq_end_first_pass(edgeq_ranging *r, int32_t channels, const edgeq_block_range *range,
                          int32_t *output_range)
{
    int32_t low = 0;
    int32_t high = 0;
    int32_t c;

    for (c = 0; c < channels; ++c) {
        const int32_t least = edgeq_finished_sum(&r->sums, r->extremes[c].low + r->offsets[c], c);
        const int32_t most = edgeq_finished_sum(&r->sums, r->extremes[c].high + r->offsets[c], c);
        low = least < low ? least : low;
        high = most > high ? most : high;
    }
    const bool is_above = high > r->limits.high;
    const bool is_below = low < r->limits.low;
    /* 0 lies between the bounds */
    low = edgeq_clamp(low, r->limits.low, r->limits.high);
    high = edgeq_clamp(high, r->limits.low, r->limits.high);
    r->block = edgeq_begin_blocking(low, high, range, r->scale, output_range);
    /* what a ReLU cuts off lies below the zero point of -128 */
    r->is_usual = !is_above && (!is_below || (r->limits.low == 0 && r->block.zero_point == INT8_MIN)) &&
                  r->sums.raised == 0 && r->block.bits > 32;
    r->is_second = true;
}

int8_t edgeq_ranged_result(const edgeq_ranging *r, int32_t acc, int32_t channel)
{
    const int32_t sum = edgeq_finished_sum(&r->sums, acc, channel);
    return edgeq_in_block(&r->block, edgeq_clamp(sum, r->limits.low, r->limits.high));
}
