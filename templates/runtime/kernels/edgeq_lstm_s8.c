/* SPDX-License-Identifier: Apache-2.0 */
/* LSTM of int8 activations: whole sequences, from given states or from none. */
#include <string.h>

#include "edgeq_kernels.h"
#include "edgeq_lstm.h"

/* The gate before its activation, Q3.12; saturated behind each of the two products. */
static void pre_activation(const int8_t *input, const int8_t *hidden, const cmsis_nn_lstm_gate *gate,
                           const cmsis_nn_lstm_params *p, int16_t *output)
{
    const int8_t *weights = gate->input_weights;
    const int8_t *recurrent = gate->hidden_weights;
    const int32_t *bias = gate->input_effective_bias;
    const int32_t *recurrent_bias = gate->hidden_effective_bias;
    int32_t unit, i;

    for (unit = 0; unit < p->hidden_size; ++unit) {
        int32_t sum = bias[unit];
        int32_t y;
        for (i = 0; i < p->input_size; ++i) {
            sum += input[i] * weights[i];
        }
        weights += p->input_size;
        y = edgeq_saturate_q15(edgeq_requantize(sum, gate->input_multiplier, gate->input_shift));
        sum = recurrent_bias[unit];
        for (i = 0; i < p->hidden_size; ++i) {
            sum += hidden[i] * recurrent[i];
        }
        recurrent += p->hidden_size;
        output[unit] = edgeq_saturate_q15(y + edgeq_requantize(sum, gate->hidden_multiplier, gate->hidden_shift));
    }
}

static arm_cmsis_nn_status step(const int8_t *input, const cmsis_nn_lstm_params *p, int32_t tables, int16_t *scratch,
                                int8_t *hidden, int16_t *cell)
{
    const int32_t units = p->hidden_size;
    const cmsis_nn_lstm_gate *const gates[4] = {&p->input_gate, &p->forget_gate, &p->cell_gate, &p->output_gate};
    int16_t *const rows[4] = {scratch, scratch + units, scratch + 2 * units, scratch + 3 * units};
    arm_cmsis_nn_status status;
    int32_t i;

    for (i = 0; i < 4; ++i) {
        pre_activation(input, hidden, gates[i], p, rows[i]);
        status = edgeq_lstm_activate(rows[i], units, gates[i]->activation_type, tables);
        if (status != ARM_CMSIS_NN_SUCCESS) {
            return status;
        }
    }
    edgeq_lstm_forget(cell, rows[1], p, tables);
    edgeq_lstm_update(cell, rows[0], rows[2], p, tables);
    status = edgeq_lstm_tanh_of_cell(cell, p, tables, rows[0]);
    for (i = 0; i < units; ++i) {
        const int32_t y = edgeq_requantize(rows[3][i] * rows[0][i], p->output_multiplier, p->output_shift);
        hidden[i] = (int8_t)edgeq_saturate(y, p->output_offset, INT8_MIN, INT8_MAX);
    }
    return status;
}

arm_cmsis_nn_status edgeq_lstm_s8(const int8_t *input, const int8_t *hidden_in, const int16_t *cell_in,
                                  const cmsis_nn_lstm_params *p, int32_t tables, int32_t sequences, int16_t *scratch,
                                  int8_t *output, int8_t *hidden, int16_t *cell)
{
    const int32_t units = p->hidden_size;
    int32_t batch, time, i;

    if (!edgeq_lstm_is_computable(p) || (hidden_in == NULL) != (cell_in == NULL)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < p->batch_size; ++batch) {
        int8_t *const h = hidden + batch * units;
        int16_t *const c = cell + batch * units;
        for (i = 0; i < units; ++i) {
            h[i] = hidden_in != NULL ? hidden_in[batch * units + i] : (int8_t)p->output_offset;
            c[i] = (int16_t)(cell_in != NULL ? cell_in[batch * units + i] : 0);
        }
        for (time = 0; time < p->time_steps; ++time) {
            const int8_t *const x = input + edgeq_lstm_offset(p, batch, time, p->input_size);
            const arm_cmsis_nn_status status = step(x, p, tables, scratch, h, c);
            if (status != ARM_CMSIS_NN_SUCCESS) {
                return status;
            }
            if (sequences != 0) {
                memcpy(output + edgeq_lstm_offset(p, batch, time, units), h, (size_t)units * sizeof(*h));
            }
        }
        if (sequences == 0) {
            memcpy(output + batch * units, h, (size_t)units * sizeof(*h));
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
