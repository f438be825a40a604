/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected layers, for either rounding. */
#ifndef EDGEQ_FULLY_CONNECTED_H
#define EDGEQ_FULLY_CONNECTED_H

#include <stddef.h>

#include "arm_nn_types.h"
#include "edgeq_dot.h"
#include "edgeq_fixedpoint.h"

/*
 * output[b][o] = limited(requantized(sum((input[b][i] + input_offset) * (filter[o][i] + filter_offset)) + bias[o])
 * + output_offset). factor_step is 1 with a factor per output channel, 0 with one factor for all; requantize is a
 * function of edgeq_fixedpoint.h, inlined where this is. bias may be null.
 */
static inline arm_cmsis_nn_status edgeq_fully_connected(const cmsis_nn_fc_params *p, const int32_t *multiplier,
                                                        const int32_t *shift, int32_t factor_step, int32_t batches,
                                                        int32_t depth, int32_t out_c, const int8_t *input,
                                                        const int8_t *filter, const int32_t *bias, int8_t *output,
                                                        int32_t (*requantize)(int32_t, int32_t, int32_t))
{
    int32_t batch, o, i, k;

    if (batches < 1 || depth < 1 || out_c < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < batches; ++batch, input += depth) {
        /* The filter's offset meets the same sum of inputs in every channel. */
        int32_t from_offset = 0;
        if (p->filter_offset != 0) {
            for (i = 0; i < depth; ++i) {
                from_offset += input[i] + p->input_offset;
            }
            from_offset *= p->filter_offset;
        }
        for (o = 0; o < out_c;) {
            const int32_t channels = out_c - o < 4 ? out_c - o : 4;
            edgeq_acc4 acc = {{0, 0, 0, 0}};

            edgeq_dot4(&acc, channels, input, p->input_offset, filter + o * depth, depth, depth);
            for (k = 0; k < channels; ++k, ++o) {
                const int32_t sum = acc.channel[k] + from_offset + (bias != NULL ? bias[o] : 0);
                const int32_t y = requantize(sum, multiplier[o * factor_step], shift[o * factor_step]);
                *output++ = edgeq_saturate_s8(y, p->output_offset, p->activation.min, p->activation.max);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
