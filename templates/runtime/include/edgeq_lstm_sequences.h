/* SPDX-License-Identifier: Apache-2.0 */
/* edgeq's own LSTM over whole sequences, of EDGEQ_ELEMENT and EDGEQ_SUM as edgeq_lstm.h wants them. */
#ifndef EDGEQ_LSTM_SEQUENCES_H
#define EDGEQ_LSTM_SEQUENCES_H

#include "edgeq_lstm.h"

static inline arm_cmsis_nn_status edgeq_lstm_sequences(const EDGEQ_ELEMENT *input, int32_t carries,
                                                       const cmsis_nn_lstm_params *p, int32_t tables,
                                                       int32_t sequences, int16_t *scratch, EDGEQ_ELEMENT *output,
                                                       EDGEQ_ELEMENT *hidden, int16_t *cell)
{
    const int32_t units = p->hidden_size;
    int32_t batch, time, i;

    if (!edgeq_lstm_is_computable(p)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < p->batch_size; ++batch, hidden += units, cell += units) {
        for (i = 0; carries == 0 && i < units; ++i) {
            hidden[i] = (EDGEQ_ELEMENT)p->output_offset;
            cell[i] = 0;
        }
        for (time = 0; time < p->time_steps; ++time) {
            const EDGEQ_ELEMENT *const x = input + edgeq_lstm_offset(p, batch, time, p->input_size);
            const arm_cmsis_nn_status status =
                edgeq_lstm_step(x, hidden, p, tables, scratch, scratch + units, cell, hidden);
            if (status != ARM_CMSIS_NN_SUCCESS) {
                return status;
            }
            if (sequences != 0) {
                memcpy(output + edgeq_lstm_offset(p, batch, time, units), hidden, (size_t)units * sizeof(*hidden));
            }
        }
        if (sequences == 0) {
            memcpy(output + batch * units, hidden, (size_t)units * sizeof(*hidden));
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
