/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edgeq's own kernels of layers with a state, which they update where it lies: LSTM, GRU, simple recurrent layers, SVDF.
 */
#ifndef EDGEQ_KERNELS_RECURRENT_H
#define EDGEQ_KERNELS_RECURRENT_H

#include <stdint.h>

#include "arm_nn_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * LSTM over whole sequences, as arm_lstm_unidirectional_s8; `tables` tells that function's gates (1) from TFLite's (0),
 * which are gemmlowp's fixed-point functions. `hidden` and `cell` are the states: before the call those before the first
 * step, or anything where `carries` is 0 and they start from 0; after it those behind the last one. The output has every
 * step's hidden state, or with sequences 0 the last one's only. scratch: 2 * hidden_size. ARM_CMSIS_NN_ARG_ERROR: a
 * negative size, a cell state with a scale outside [2^-20, 2^-9].
 */
arm_cmsis_nn_status edgeq_lstm_s8(const int8_t *input, int32_t carries, const cmsis_nn_lstm_params *p, int32_t tables,
                                  int32_t sequences, int16_t *scratch, int8_t *output, int8_t *hidden, int16_t *cell);

/* The same; sums have 64 bits. */
arm_cmsis_nn_status edgeq_lstm_s16(const int16_t *input, int32_t carries, const cmsis_nn_lstm_params *p, int32_t tables,
                                   int32_t sequences, int16_t *scratch, int16_t *output, int16_t *hidden,
                                   int16_t *cell);

/* Which recurrent layer; a GRU's reset gate acts before or after the product with its recurrent weights. */
typedef enum { EDGEQ_SIMPLE_RNN, EDGEQ_GRU, EDGEQ_GRU_RESET_AFTER } edgeq_recurrent_cell;

/* A dense layer with one factor per row, from its sums of 64 bits to Q3.12. */
typedef struct {
    const int8_t *weights;
    const int64_t *biases;
    const int32_t *multipliers;
    const int32_t *shifts;
} edgeq_recurrent_gates;

typedef struct {
    edgeq_recurrent_cell cell;
    int32_t batches;
    int32_t steps;
    int32_t depth; /* of the input */
    int32_t units; /* of the hidden state; a GRU's gates have three times as many rows, in the order z, r, n */
    int32_t sequences;
    int32_t input_offset;
    edgeq_recurrent_gates input;
    edgeq_recurrent_gates hidden;
    int32_t output_multiplier; /* from the hidden state to the output */
    int32_t output_shift;
    int32_t output_offset;
} edgeq_recurrent_params;

/*
 * A recurrent layer over sequences [batches, steps, depth]. `hidden` is the hidden state, of scale 2^-15: before the call
 * that before the first step, or anything where `carries` is 0 and it starts from 0; after it that behind the last one.
 * The output has every step's hidden state, or with sequences 0 the last one's only.
 * scratch: twice the rows of all gates. ARM_CMSIS_NN_ARG_ERROR: a negative size, an output shift outside [-31, 14].
 */
arm_cmsis_nn_status edgeq_recurrent_s8(const int8_t *input, int32_t carries, const edgeq_recurrent_params *p,
                                       int16_t *scratch, int8_t *output, int16_t *hidden);
arm_cmsis_nn_status edgeq_recurrent_s16(const int16_t *input, int32_t carries, const edgeq_recurrent_params *p,
                                        int16_t *scratch, int16_t *output, int16_t *hidden);

/* As arm_svdf_state_s16_s8, with sums over time of 64 bits, saturated to 32: it needs no memory besides. */
arm_cmsis_nn_status edgeq_svdf_state_s16_s8(const cmsis_nn_svdf_params *svdf_params,
                                            const cmsis_nn_per_tensor_quant_params *input_quant_params,
                                            const cmsis_nn_per_tensor_quant_params *output_quant_params,
                                            const cmsis_nn_dims *input_dims,
                                            const int8_t *input_data,
                                            const cmsis_nn_dims *state_dims,
                                            int16_t *state_data,
                                            const cmsis_nn_dims *weights_feature_dims,
                                            const int8_t *weights_feature_data,
                                            const cmsis_nn_dims *weights_time_dims,
                                            const int16_t *weights_time_data,
                                            const cmsis_nn_dims *bias_dims,
                                            const int32_t *bias_data,
                                            const cmsis_nn_dims *output_dims,
                                            int8_t *output_data);

#ifdef __cplusplus
}
#endif

#endif
