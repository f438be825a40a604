/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LSTMs of EDGEQ_ELEMENT activations, int8_t or int16_t, with sums of EDGEQ_SUM: define both before including this.
 * `tables` tells gates by tables (1), those of TFLite Micro and CMSIS-NN, from TFLite's (0).
 */
#ifndef EDGEQ_LSTM_H
#define EDGEQ_LSTM_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "arm_nn_types.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_gates.h"
#include "kernels/edgeq_kernels_recurrent.h"
#include "kernels/edgeq_kernels_s16.h"

static inline int16_t edgeq_saturate_q15(int32_t x)
{
    return (int16_t)edgeq_clamp(x, INT16_MIN, INT16_MAX);
}

static inline bool edgeq_lstm_is_computable(const cmsis_nn_lstm_params *p)
{
    return p->batch_size >= 0 && p->time_steps >= 0 && p->input_size >= 0 && p->hidden_size >= 0 && p->cell_clip >= 0 &&
           p->cell_clip <= INT16_MAX && p->cell_scale_power >= -20 && p->cell_scale_power <= -9;
}

/* Elements from the start of the sequence to the vector of a batch at a step; `size` elements a vector. */
static inline int32_t edgeq_lstm_offset(const cmsis_nn_lstm_params *p, int32_t batch, int32_t step, int32_t size)
{
    return (p->time_major != 0 ? step * p->batch_size + batch : batch * p->time_steps + step) * size;
}

/* The gate of Q3.12 in place: Q0.15. */
static inline arm_cmsis_nn_status edgeq_lstm_activate(int16_t *gate, int32_t size, arm_nn_activation_type type,
                                                      int32_t tables)
{
    int32_t i;

    if (tables != 0) {
        return type == ARM_TANH ? edgeq_tanh_s16(gate, size, 3, 0, gate) : edgeq_logistic_s16(gate, size, 3, 0, gate);
    }
    for (i = 0; i < size; ++i) {
        gate[i] = (int16_t)(type == ARM_TANH ? edgeq_tanh_q15(gate[i], 3) : edgeq_logistic_q15(gate[i]));
    }
    return ARM_CMSIS_NN_SUCCESS;
}

/* tanh of the cell state, Q0.15. */
static inline arm_cmsis_nn_status edgeq_lstm_tanh_of_cell(const int16_t *cell, const cmsis_nn_lstm_params *p,
                                                          int32_t tables, int16_t *output)
{
    const int32_t left = p->cell_scale_power + 12;
    int32_t i;

    if (tables != 0) {
        return edgeq_tanh_s16(cell, p->hidden_size, 3 * (1 << (left > 0 ? left : 0)), left > 0 ? 0 : -left, output);
    }
    const int32_t bits = 15 + p->cell_scale_power;

    for (i = 0; i < p->hidden_size; ++i) {
        const int32_t x = bits < 0 ? edgeq_divide_by_pot(cell[i], -bits) : cell[i];

        output[i] = (int16_t)edgeq_tanh_q15(x, bits < 0 ? 0 : bits);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

/* cell * forget gate, rounded. */
static inline void edgeq_lstm_forget(int16_t *cell, const int16_t *forget, const cmsis_nn_lstm_params *p, int32_t tables)
{
    int32_t i;

    for (i = 0; i < p->hidden_size; ++i) {
        const int32_t kept = cell[i] * forget[i];
        cell[i] = edgeq_saturate_q15(tables != 0 ? edgeq_requantize(kept, p->forget_to_cell_multiplier,
                                                                    p->forget_to_cell_shift)
                                                 : edgeq_divide_by_pot(kept, 15));
    }
}

/* cell + input gate * cell gate, the product rounded; limited. */
static inline void edgeq_lstm_update(int16_t *cell, const int16_t *input, const int16_t *gate,
                                     const cmsis_nn_lstm_params *p, int32_t tables)
{
    const int32_t high = p->cell_clip > 0 ? p->cell_clip : INT16_MAX;
    const int32_t low = p->cell_clip > 0 ? -p->cell_clip : INT16_MIN;
    int32_t i;

    for (i = 0; i < p->hidden_size; ++i) {
        const int32_t product = input[i] * gate[i];
        const int32_t added = tables != 0
                                  ? edgeq_requantize(product, p->input_to_cell_multiplier, p->input_to_cell_shift)
                                  : edgeq_divide_by_pot(product, 30 + p->cell_scale_power);
        cell[i] = (int16_t)edgeq_clamp(cell[i] + added, low, high);
    }
}

/* A sum of products to Q3.12: int8 by two roundings, int16 by one. */
static inline int32_t edgeq_lstm_scaled(EDGEQ_SUM sum, int32_t multiplier, int32_t shift)
{
    return sizeof(EDGEQ_SUM) == sizeof(int32_t) ? edgeq_requantize((int32_t)sum, multiplier, shift)
                                                : edgeq_requantize_wide(sum, multiplier, shift);
}

/* A gate of one vector: Q0.15. Saturated behind each of the two products; no hidden state is NULL. */
static inline arm_cmsis_nn_status edgeq_lstm_gate(const EDGEQ_ELEMENT *input, const EDGEQ_ELEMENT *hidden,
                                                  const cmsis_nn_lstm_gate *gate, const cmsis_nn_lstm_params *p,
                                                  int32_t tables, int16_t *output)
{
    const int8_t *weights = gate->input_weights;
    const int8_t *recurrent = gate->hidden_weights;
    const EDGEQ_SUM *bias = gate->input_effective_bias;
    const EDGEQ_SUM *recurrent_bias = gate->hidden_effective_bias;
    int32_t unit, i;

    for (unit = 0; unit < p->hidden_size; ++unit) {
        EDGEQ_SUM sum = bias[unit];
        int32_t y;
        for (i = 0; i < p->input_size; ++i) {
            sum += input[i] * *weights++;
        }
        y = edgeq_saturate_q15(edgeq_lstm_scaled(sum, gate->input_multiplier, gate->input_shift));
        if (hidden != NULL) {
            sum = recurrent_bias[unit];
            for (i = 0; i < p->hidden_size; ++i) {
                sum += hidden[i] * *recurrent++;
            }
            y += edgeq_lstm_scaled(sum, gate->hidden_multiplier, gate->hidden_shift);
        }
        output[unit] = edgeq_saturate_q15(y);
    }
    return edgeq_lstm_activate(output, p->hidden_size, gate->activation_type, tables);
}

/* One step of one vector: from the hidden state `before`, NULL for none, to `after`, which may be the same. */
static inline arm_cmsis_nn_status edgeq_lstm_step(const EDGEQ_ELEMENT *input, const EDGEQ_ELEMENT *before,
                                                  const cmsis_nn_lstm_params *p, int32_t tables, int16_t *temp1,
                                                  int16_t *temp2, int16_t *cell, EDGEQ_ELEMENT *after)
{
    const int32_t high = sizeof(EDGEQ_ELEMENT) == 1 ? INT8_MAX : INT16_MAX;
    arm_cmsis_nn_status status = edgeq_lstm_gate(input, before, &p->forget_gate, p, tables, temp1);
    int32_t i;

    edgeq_lstm_forget(cell, temp1, p, tables);
    if (status == ARM_CMSIS_NN_SUCCESS) {
        status = edgeq_lstm_gate(input, before, &p->input_gate, p, tables, temp1);
    }
    if (status == ARM_CMSIS_NN_SUCCESS) {
        status = edgeq_lstm_gate(input, before, &p->cell_gate, p, tables, temp2);
    }
    edgeq_lstm_update(cell, temp1, temp2, p, tables);
    if (status == ARM_CMSIS_NN_SUCCESS) {
        status = edgeq_lstm_gate(input, before, &p->output_gate, p, tables, temp1);
    }
    if (status == ARM_CMSIS_NN_SUCCESS) {
        status = edgeq_lstm_tanh_of_cell(cell, p, tables, temp2);
    }
    for (i = 0; i < p->hidden_size; ++i) {
        const int32_t y = edgeq_requantize(temp1[i] * temp2[i], p->output_multiplier, p->output_shift);
        after[i] = (EDGEQ_ELEMENT)edgeq_saturate(y, p->output_offset, -high - 1, high);
    }
    return status;
}

#endif
