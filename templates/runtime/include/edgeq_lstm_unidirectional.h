/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-NN's LSTM over whole sequences, of EDGEQ_ELEMENT and EDGEQ_SUM as edgeq_lstm.h wants them. */
#ifndef EDGEQ_LSTM_UNIDIRECTIONAL_H
#define EDGEQ_LSTM_UNIDIRECTIONAL_H

#include "arm_nnfunctions.h"
#include "edgeq_lstm.h"

static inline arm_cmsis_nn_status edgeq_lstm_unidirectional(const EDGEQ_ELEMENT *input, EDGEQ_ELEMENT *output,
                                                            const cmsis_nn_lstm_params *params,
                                                            cmsis_nn_lstm_context *buffers)
{
    const int32_t units = params->hidden_size;
    EDGEQ_ELEMENT *hidden = buffers->hidden_state;
    int16_t *cell = buffers->cell_state;
    int32_t batch, time;

    if (!edgeq_lstm_is_computable(params)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < params->batch_size; ++batch, cell += units) {
        const EDGEQ_ELEMENT *before = hidden;
        if (hidden == NULL) {
            memset(cell, 0, (size_t)units * sizeof(*cell));
        }
        for (time = 0; time < params->time_steps; ++time) {
            EDGEQ_ELEMENT *const after = output + edgeq_lstm_offset(params, batch, time, units);
            const arm_cmsis_nn_status status =
                edgeq_lstm_step(input + edgeq_lstm_offset(params, batch, time, params->input_size), before, params, 1,
                                buffers->temp1, buffers->temp2, cell, after);
            if (status != ARM_CMSIS_NN_SUCCESS) {
                return status;
            }
            before = after;
        }
        if (hidden != NULL) {
            if (params->time_steps > 0) {
                memcpy(hidden, before, (size_t)units * sizeof(*hidden));
            }
            hidden += units;
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
