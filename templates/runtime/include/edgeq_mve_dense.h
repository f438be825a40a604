/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected layers for cores with the vector extension, four units at a time; with narrower weights than those of
 * four bits, eight: see edgeq_mve_eight_units.h.
 *
 * Sixteen inputs of four units, 64 MACs, cost 10 instructions: five loads, four VMLADAVA, and the loop. The input's
 * offset is part of the bias. Weights of four bits cost as many, with two shifts in place of two loads: how they share
 * bytes is in edgeq_mve_tiles.h.
 */
#ifndef EDGEQ_MVE_DENSE_H
#define EDGEQ_MVE_DENSE_H

#include "arm_nn_types.h"
#include "edgeq_mve.h"

#if EDGEQ_WEIGHT_BITS < 4

#include "edgeq_mve_eight_units.h"

#else

#include "edgeq_mve_units.h"

#if defined(__ARM_FEATURE_MVE)

static EDGEQ_ALWAYS_INLINE void connect(const int8_t *x, int32_t depth, const int32_t *k, int32_t units,
                                        edgeq_output out, bool is_rectified, int8_t *y)
{
    const int32_t steps = (depth - 1) / 16;
    const mve_pred16_t last = vctp8q((uint32_t)(depth - 16 * steps));

    for (; units > 0; units -= 4, y += 4, k += 8) {
        int32x4_t value = edgeq_sum_units(x, steps, last, &k);
        value = edgeq_requantize_x4(value, vldrwq_s32(k), vldrwq_s32(k + 4), is_rectified);
        value = edgeq_limit_x4(value, out);
        vstrbq_p_s32(y, value, vctp32q((uint32_t)units));
    }
}

static void connect_all(const int8_t *x, int32_t depth, const int32_t *k, int32_t units, edgeq_output out, int8_t *y)
{
    if (edgeq_is_rectified(out)) {
        connect(x, depth, k, units, out, true, y);
    } else {
        connect(x, depth, k, units, out, false, y);
    }
}

#else

static void connect_all(const int8_t *x, int32_t depth, const int32_t *k, int32_t units, edgeq_output out, int8_t *y)
{
    const int32_t words = EDGEQ_STEP_WORDS * ((depth + 15) / 16) + 12;
    int32_t unit;

    for (unit = 0; unit < units; ++unit) {
        const int32_t *const record = k + unit / 4 * words;
        const int32_t *const quant = record + words - 8;
        const int32_t lane = unit % 4;
        int32_t sum = edgeq_sum_unit(x, depth, record, lane);

        if (lane % EDGEQ_CHANNELS_TO_A_BYTE != 0) {
            sum = edgeq_take_apart(sum, edgeq_sum_unit(x, depth, record, lane - 1));
        }
        y[unit] = edgeq_finish_one(sum, quant[lane], quant[4 + lane], out);
    }
}

#endif

#endif

/* See edgeq_fully_connected_mve_s8; `packed` as EDGEQ_WEIGHT_BITS say. */
static arm_cmsis_nn_status edgeq_connect_all(const cmsis_nn_fc_params *fc_params,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const int32_t *packed,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output_data)
{
    const int32_t depth = filter_dims->n;
    const edgeq_output out = {fc_params->output_offset, fc_params->activation.min, fc_params->activation.max};
    int32_t batch;

    if (input_dims->n < 1 || depth < 1 || output_dims->c < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch) {
#if EDGEQ_WEIGHT_BITS < 4
        edgeq_connect_eights(input_data, depth, packed, output_dims->c, out, output_data);
#else
        connect_all(input_data, depth, packed, output_dims->c, out, output_data);
#endif
        input_data += depth;
        output_data += output_dims->c;
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
