/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two passes over sums of products that are never in memory together: the first finds each channel's extremes before its
 * requantization, which keeps their order, the second makes the block.
 */
#ifndef EDGEQ_RANGING_H
#define EDGEQ_RANGING_H

#include <stdbool.h>

#include "edgeq_blocking.h"
#include "edgeq_dsp.h"
#include "edgeq_sums.h"

typedef struct {
    int32_t low;
    int32_t high;
} edgeq_extremes;

typedef struct {
    edgeq_sums sums;
    edgeq_scale scale;         /* of the sums */
    edgeq_extremes *extremes;  /* of each channel's sums of products with the block's integers as they are */
    int32_t *offsets;          /* what its zero point adds to these */
    edgeq_bounds limits;
    edgeq_blocking block;
    bool is_second;            /* pass */
    bool is_usual;             /* whether the limits do what saturation does, and the shifts below are small */
} edgeq_ranging;

/*
 * Before the first pass. Working memory begins with extremes, offsets and biases at the run-time scale, 16 bytes for each
 * channel; what is left goes to *rest. weight_sums: of each channel. False where ctx has too little.
 */
bool edgeq_begin_ranging(edgeq_ranging *r, const cmsis_nn_context *ctx, const edgeq_sum_scale *from,
                         const int32_t *input_range, const edgeq_bounds *bounds, const int32_t *bias,
                         const int32_t *weight_sums, int32_t channels, const cmsis_nn_per_channel_quant_params *quant,
                         cmsis_nn_context *rest);

/* Between the passes. */
void edgeq_end_first_pass(edgeq_ranging *r, int32_t channels, const edgeq_block_range *range, int32_t *output_range);

/* In the second pass, for any sum. */
int8_t edgeq_ranged_result(const edgeq_ranging *r, int32_t acc, int32_t channel);

/* In the first pass: so many sums of a channel. */
static inline void edgeq_widen_extremes(edgeq_extremes *e, const int32_t *acc, int32_t count)
{
    edgeq_extremes found = *e;
    int32_t i;

    for (i = 0; i < count; ++i) {
        found.low = acc[i] < found.low ? acc[i] : found.low;
        found.high = acc[i] > found.high ? acc[i] : found.high;
    }
    *e = found;
}

/* What all channels have in common in the second pass, in registers. */
typedef struct {
    int32_t factor;
    int32_t half;
    int32_t bits;
    int32_t zero_point;
    bool is_usual;
} edgeq_block_steps;

static inline edgeq_block_steps edgeq_begin_steps(const edgeq_ranging *r)
{
    const edgeq_block_steps s = {r->block.factor, r->block.half, r->block.bits - 32, r->block.zero_point, r->is_usual};
    return s;
}

/* In the second pass: the results of so many sums of a channel, y_step bytes apart. */
static inline void edgeq_ranged_results(const edgeq_ranging *r, edgeq_block_steps s, const int32_t *acc, int32_t count,
                                        int32_t channel, int8_t *y, int32_t y_step)
{
    const int32_t mult = r->sums.mult[channel];
    const int32_t up = 1 + r->sums.shift[channel];
    const int32_t offset = r->offsets[channel];
    const int32_t bias = r->sums.bias[channel];
    int32_t i;

    if (!s.is_usual || up < 1) {
        for (i = 0; i < count; ++i, y += y_step) {
            *y = edgeq_ranged_result(r, acc[i] + offset, channel);
        }
        return;
    }
    for (i = 0; i < count; ++i, y += y_step) {
        /* below 2^29: rounded as edgeq_requantize_single does */
        const int64_t product = (int64_t)(acc[i] + offset) * mult + ((uint32_t)1 << (31 - up));
        const uint32_t sum = ((uint32_t)product >> (32 - up) | (uint32_t)(product >> 32) << up) + (uint32_t)bias;
        const int64_t scaled = (int64_t)edgeq_wrap_s32(sum) * s.factor;
        *y = (int8_t)edgeq_ssat8((((int32_t)(scaled >> 32) + s.half) >> s.bits) + s.zero_point);
    }
}

#endif
