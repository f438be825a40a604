/* SPDX-License-Identifier: Apache-2.0 */
/* LSTM of int8 activations. */
#define EDGEQ_ELEMENT int8_t
#define EDGEQ_SUM int32_t
#include "edgeq_lstm_sequences.h"

arm_cmsis_nn_status edgeq_lstm_s8(const int8_t *input, int32_t carries, const cmsis_nn_lstm_params *p, int32_t tables,
                                  int32_t sequences, int16_t *scratch, int8_t *output, int8_t *hidden, int16_t *cell)
{
    return edgeq_lstm_sequences(input, carries, p, tables, sequences, scratch, output, hidden, cell);
}
