/* SPDX-License-Identifier: Apache-2.0 */
/* LSTM over whole sequences of int16 activations, gates by tables. */
#define EDGEQ_ELEMENT int16_t
#define EDGEQ_SUM int64_t
#include "edgeq_lstm_unidirectional.h"

arm_cmsis_nn_status arm_lstm_unidirectional_s16(const int16_t *input,
                                                int16_t *output,
                                                const cmsis_nn_lstm_params *params,
                                                cmsis_nn_lstm_context *buffers)
{
    return edgeq_lstm_unidirectional(input, output, params, buffers);
}
