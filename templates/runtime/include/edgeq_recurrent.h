/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GRUs and simple recurrent layers of EDGEQ_ELEMENT activations, int8_t or int16_t, with sums of EDGEQ_SUM: define both
 * before including this.
 */
#ifndef EDGEQ_RECURRENT_H
#define EDGEQ_RECURRENT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "edgeq_fixedpoint.h"
#include "kernels/edgeq_kernels_recurrent.h"
#include "kernels/edgeq_kernels_s16.h"

static inline int16_t edgeq_q15(int32_t x)
{
    return (int16_t)edgeq_clamp(x, INT16_MIN, INT16_MAX);
}

static inline int32_t edgeq_rows(const edgeq_recurrent_params *p)
{
    return p->cell == EDGEQ_SIMPLE_RNN ? p->units : 3 * p->units;
}

static inline bool edgeq_recurrent_is_computable(const edgeq_recurrent_params *p)
{
    return p->batches >= 0 && p->steps >= 0 && p->depth >= 0 && p->units >= 0 && p->output_shift >= -31 &&
           p->output_shift <= 14;
}

/* The gates of `count` rows from `first` on, of a hidden state in Q0.15: Q3.12, saturated. */
static inline void edgeq_hidden_gates(const int16_t *hidden, const edgeq_recurrent_params *p, int32_t first,
                                      int32_t count, int16_t *gates)
{
    const int8_t *w = p->hidden.weights + first * p->units;
    int32_t row, i;

    for (row = first; row < first + count; ++row) {
        int64_t sum = p->hidden.biases[row];
        for (i = 0; i < p->units; ++i) {
            sum += hidden[i] * *w++;
        }
        *gates++ = edgeq_q15(edgeq_requantize_wide(sum, p->hidden.multipliers[row], p->hidden.shifts[row]));
    }
}

/*
 * One step: from x, the gates of the input, and the hidden state to the next one. `product`: room for as many gates.
 * Gates stand one after the other: z, r, n.
 */
static inline arm_cmsis_nn_status edgeq_recurrent_step(int16_t *x, const edgeq_recurrent_params *p, int16_t *product,
                                                       int16_t *hidden)
{
    const int32_t units = p->units;
    int16_t *const z = x;
    int16_t *const r = x + units;
    int16_t *const n = x + 2 * units;
    arm_cmsis_nn_status status;
    int32_t i;

    if (p->cell == EDGEQ_SIMPLE_RNN) {
        edgeq_hidden_gates(hidden, p, 0, units, product);
        for (i = 0; i < units; ++i) {
            x[i] = edgeq_q15(x[i] + product[i]);
        }
        return edgeq_tanh_s16(x, units, 3, 0, hidden);
    }
    edgeq_hidden_gates(hidden, p, 0, 2 * units, product);
    for (i = 0; i < 2 * units; ++i) {
        x[i] = edgeq_q15(x[i] + product[i]);
    }
    status = edgeq_logistic_s16(x, 2 * units, 3, 0, x);
    if (p->cell == EDGEQ_GRU_RESET_AFTER) {
        edgeq_hidden_gates(hidden, p, 2 * units, units, product);
        for (i = 0; i < units; ++i) {
            n[i] = edgeq_q15(n[i] + ((r[i] * product[i] + (1 << 14)) >> 15));
        }
    } else {
        int16_t *const kept = product + units;
        for (i = 0; i < units; ++i) {
            kept[i] = (int16_t)((r[i] * hidden[i] + (1 << 14)) >> 15);
        }
        edgeq_hidden_gates(kept, p, 2 * units, units, product);
        for (i = 0; i < units; ++i) {
            n[i] = edgeq_q15(n[i] + product[i]);
        }
    }
    if (status == ARM_CMSIS_NN_SUCCESS) {
        status = edgeq_tanh_s16(n, units, 3, 0, n);
    }
    for (i = 0; i < units; ++i) {
        /* between hidden[i] and n[i] */
        hidden[i] = (int16_t)((z[i] * hidden[i] + ((1 << 15) - z[i]) * n[i] + (1 << 14)) >> 15);
    }
    return status;
}

/* The gates of one step's input: Q3.12, saturated. */
static inline void edgeq_input_gates(const EDGEQ_ELEMENT *input, const edgeq_recurrent_params *p, int16_t *gates)
{
    const int32_t rows = edgeq_rows(p);
    const int8_t *w = p->input.weights;
    int32_t row, i;

    for (row = 0; row < rows; ++row) {
        EDGEQ_SUM sum = 0;
        for (i = 0; i < p->depth; ++i) {
            sum += (input[i] + p->input_offset) * *w++;
        }
        gates[row] = edgeq_q15(edgeq_requantize_wide(sum + p->input.biases[row], p->input.multipliers[row],
                                                     p->input.shifts[row]));
    }
}

/* The hidden state as a result. */
static inline void edgeq_store_hidden(const int16_t *hidden, const edgeq_recurrent_params *p, EDGEQ_ELEMENT *output)
{
    const int32_t high = sizeof(EDGEQ_ELEMENT) == 1 ? INT8_MAX : INT16_MAX;
    int32_t i;

    for (i = 0; i < p->units; ++i) {
        const int32_t y = edgeq_requantize(hidden[i], p->output_multiplier, p->output_shift);
        output[i] = (EDGEQ_ELEMENT)edgeq_saturate(y, p->output_offset, -high - 1, high);
    }
}

/* Whole sequences, from the hidden state as it is or, without `carries`, from 0. */
static inline arm_cmsis_nn_status edgeq_recurrent(const EDGEQ_ELEMENT *input, int32_t carries,
                                                  const edgeq_recurrent_params *p, int16_t *scratch,
                                                  EDGEQ_ELEMENT *output, int16_t *hidden)
{
    int32_t batch, step;

    if (!edgeq_recurrent_is_computable(p)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < p->batches; ++batch, hidden += p->units) {
        if (carries == 0) {
            memset(hidden, 0, (size_t)p->units * sizeof(*hidden));
        }
        for (step = 0; step < p->steps; ++step, input += p->depth) {
            arm_cmsis_nn_status status;
            edgeq_input_gates(input, p, scratch);
            status = edgeq_recurrent_step(scratch, p, scratch + edgeq_rows(p), hidden);
            if (status != ARM_CMSIS_NN_SUCCESS) {
                return status;
            }
            if (p->sequences != 0 || step + 1 == p->steps) {
                edgeq_store_hidden(hidden, p, output);
                output += p->units;
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
