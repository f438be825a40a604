/* SPDX-License-Identifier: Apache-2.0 */
/* The run-time scale of sums of products, and their bias at that scale. */
#ifndef EDGEQ_SUMS_H
#define EDGEQ_SUMS_H

#include "arm_nn_types.h"
#include "edgeq_scales.h"

/* By how many bits products are shifted right: more than 0 where a bias needs a larger scale than they. */
typedef struct {
    int32_t raised;
    const int32_t *bias;
    const int32_t *mult;
    const int32_t *shift;
} edgeq_sums;

/* Finds the scale of the sums and turns a bias into integers of it, in `scaled`, one for each of `channels`. */
static inline edgeq_sums edgeq_begin_sums(const edgeq_sum_scale *from, const int32_t *input_range, const int32_t *bias,
                                          int32_t channels, const cmsis_nn_per_channel_quant_params *quant,
                                          int32_t *scaled, int32_t *output_scale)
{
    edgeq_scale scale = edgeq_scale_product(edgeq_load_scale(input_range), from->unit);
    const int32_t lacking = from->bias_exponent - scale.exponent - EDGEQ_MANTISSA_BITS;
    const int32_t raised = lacking > 0 ? lacking : 0;
    int32_t c;

    scale.exponent += raised;
    const edgeq_steps steps = edgeq_steps_of(scale, from->bias_exponent);
    for (c = 0; c < channels; ++c) {
        scaled[c] = edgeq_in_steps(bias[c], steps);
    }
    edgeq_store_scale(scale, output_scale);
    const edgeq_sums sums = {raised, scaled, quant->multiplier, quant->shift};
    return sums;
}

static inline int32_t edgeq_finished_sum(const edgeq_sums *sums, int32_t acc, int32_t channel)
{
    const int32_t product = edgeq_requantize_single(acc, sums->mult[channel], sums->shift[channel]);
    return edgeq_shifted(product, sums->raised) + sums->bias[channel];
}

#endif
