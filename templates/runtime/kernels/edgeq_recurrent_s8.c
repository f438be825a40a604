/* SPDX-License-Identifier: Apache-2.0 */
/* GRUs and simple recurrent layers of int8 activations: whole sequences, from a given state or from none. */
#include "edgeq_recurrent.h"

/* The gates of one step's input: Q3.12, saturated. */
static void input_gates(const int8_t *input, const edgeq_recurrent_params *p, int16_t *gates)
{
    const int32_t rows = edgeq_rows(p);
    const int8_t *w = p->input.weights;
    int32_t row, i;

    for (row = 0; row < rows; ++row) {
        int32_t sum = 0;
        for (i = 0; i < p->depth; ++i) {
            sum += (input[i] + p->input_offset) * *w++;
        }
        gates[row] = edgeq_q15(edgeq_requantize_wide(sum + p->input.biases[row], p->input.multipliers[row],
                                                     p->input.shifts[row]));
    }
}

/* The hidden state as a result. */
static void store(const int16_t *hidden, const edgeq_recurrent_params *p, int8_t *output)
{
    int32_t i;

    for (i = 0; i < p->units; ++i) {
        const int32_t y = edgeq_requantize(hidden[i], p->output_multiplier, p->output_shift);
        output[i] = (int8_t)edgeq_saturate(y, p->output_offset, INT8_MIN, INT8_MAX);
    }
}

arm_cmsis_nn_status edgeq_recurrent_s8(const int8_t *input, const int16_t *hidden_in, const edgeq_recurrent_params *p,
                                       int16_t *scratch, int8_t *output, int16_t *hidden)
{
    int32_t batch, step, i;

    if (!edgeq_recurrent_is_computable(p)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < p->batches; ++batch, hidden += p->units) {
        for (i = 0; i < p->units; ++i) {
            hidden[i] = (int16_t)(hidden_in != NULL ? hidden_in[batch * p->units + i] : 0);
        }
        for (step = 0; step < p->steps; ++step, input += p->depth) {
            arm_cmsis_nn_status status;
            input_gates(input, p, scratch);
            status = edgeq_recurrent_step(scratch, p, scratch + edgeq_rows(p), hidden);
            if (status != ARM_CMSIS_NN_SUCCESS) {
                return status;
            }
            if (p->sequences != 0 || step + 1 == p->steps) {
                store(hidden, p, output);
                output += p->units;
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
