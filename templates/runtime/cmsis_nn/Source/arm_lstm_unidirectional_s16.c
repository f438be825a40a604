/* SPDX-License-Identifier: Apache-2.0 */
/* LSTM over whole sequences of int16 activations, gates by tables. */
#include <string.h>

#include "arm_nnfunctions.h"
#include "edgeq_lstm.h"

/* A gate of one batch at one step. */
static arm_cmsis_nn_status calculate_gate(const int16_t *input, const int16_t *hidden, const cmsis_nn_lstm_gate *gate,
                                          const cmsis_nn_lstm_params *params, int16_t *output)
{
    const int8_t *weights = gate->input_weights;
    const int8_t *recurrent = gate->hidden_weights;
    const int64_t *bias = gate->input_effective_bias;
    const int64_t *recurrent_bias = gate->hidden_effective_bias;
    int32_t unit, i;

    for (unit = 0; unit < params->hidden_size; ++unit) {
        int64_t sum = bias[unit];
        int32_t y;
        for (i = 0; i < params->input_size; ++i) {
            sum += input[i] * *weights++;
        }
        y = edgeq_saturate_q15(edgeq_requantize_wide(sum, gate->input_multiplier, gate->input_shift));
        if (hidden != NULL) {
            sum = recurrent_bias[unit];
            for (i = 0; i < params->hidden_size; ++i) {
                sum += hidden[i] * *recurrent++;
            }
            y += edgeq_requantize_wide(sum, gate->hidden_multiplier, gate->hidden_shift);
        }
        output[unit] = edgeq_saturate_q15(y);
    }
    return edgeq_lstm_activate(output, params->hidden_size, gate->activation_type, 1);
}

static arm_cmsis_nn_status step(const int16_t *input, const int16_t *hidden, const cmsis_nn_lstm_params *params,
                                int16_t *temp1, int16_t *temp2, int16_t *cell, int16_t *output)
{
    arm_cmsis_nn_status status = calculate_gate(input, hidden, &params->forget_gate, params, temp1);
    int32_t i;

    edgeq_lstm_forget(cell, temp1, params, 1);
    if (status == ARM_CMSIS_NN_SUCCESS) {
        status = calculate_gate(input, hidden, &params->input_gate, params, temp1);
    }
    if (status == ARM_CMSIS_NN_SUCCESS) {
        status = calculate_gate(input, hidden, &params->cell_gate, params, temp2);
    }
    edgeq_lstm_update(cell, temp1, temp2, params, 1);
    if (status == ARM_CMSIS_NN_SUCCESS) {
        status = calculate_gate(input, hidden, &params->output_gate, params, temp1);
    }
    if (status == ARM_CMSIS_NN_SUCCESS) {
        status = edgeq_lstm_tanh_of_cell(cell, params, 1, temp2);
    }
    for (i = 0; i < params->hidden_size; ++i) {
        const int32_t y = edgeq_requantize(temp1[i] * temp2[i], params->output_multiplier, params->output_shift);
        output[i] = (int16_t)edgeq_saturate(y, params->output_offset, INT16_MIN, INT16_MAX);
    }
    return status;
}

arm_cmsis_nn_status arm_lstm_unidirectional_s16(const int16_t *input,
                                               int16_t *output,
                                               const cmsis_nn_lstm_params *params,
                                               cmsis_nn_lstm_context *buffers)
{
    const int32_t units = params->hidden_size;
    int32_t batch, time;

    if (!edgeq_lstm_is_computable(params)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < params->batch_size; ++batch) {
        int16_t *const cell = (int16_t *)buffers->cell_state + batch * units;
        int16_t *const hidden = buffers->hidden_state != NULL ? (int16_t *)buffers->hidden_state + batch * units : NULL;
        const int16_t *before = hidden;
        if (hidden == NULL) {
            memset(cell, 0, (size_t)units * sizeof(*cell));
        }
        for (time = 0; time < params->time_steps; ++time) {
            int16_t *const after = output + edgeq_lstm_offset(params, batch, time, units);
            const arm_cmsis_nn_status status =
                step(input + edgeq_lstm_offset(params, batch, time, params->input_size), before, params,
                     buffers->temp1, buffers->temp2, cell, after);
            if (status != ARM_CMSIS_NN_SUCCESS) {
                return status;
            }
            before = after;
        }
        if (hidden != NULL && params->time_steps > 0) {
            memcpy(hidden, before, (size_t)units * sizeof(*hidden));
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
