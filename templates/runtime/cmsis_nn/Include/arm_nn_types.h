/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Argument types of the functions in arm_nnfunctions.h. Names and members are those of the CMSIS-NN library, so that
 * the same calls compile against either.
 *
 * Offsets: input_offset and filter_offset are negated zero points (range -127 ... 128), output_offset is the output's
 * zero point itself (range -128 ... 127). Multipliers and shifts: see edgeq_fixedpoint.h.
 */
#ifndef ARM_NN_TYPES_H
#define ARM_NN_TYPES_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    ARM_CMSIS_NN_SUCCESS = 0,
    ARM_CMSIS_NN_ARG_ERROR = -1,     /* arguments that contradict each other or cannot be computed */
    ARM_CMSIS_NN_NO_IMPL_ERROR = -2, /* not in this build */
    ARM_CMSIS_NN_FAILURE = -3
} arm_cmsis_nn_status;

/* A width and a height, in elements. */
typedef struct {
    int32_t w;
    int32_t h;
} cmsis_nn_tile;

/* Scratch memory lent to a call. */
typedef struct {
    void *buf;
    int32_t size; /* bytes */
} cmsis_nn_context;

/* A shape; each function says what n and c mean to it. */
typedef struct {
    int32_t n;
    int32_t h;
    int32_t w;
    int32_t c;
} cmsis_nn_dims;

/* One factor per output channel. */
typedef struct {
    int32_t *multiplier;
    int32_t *shift;
} cmsis_nn_per_channel_quant_params;

/* One factor. */
typedef struct {
    int32_t multiplier;
    int32_t shift;
} cmsis_nn_per_tensor_quant_params;

/* One factor per output channel where is_per_channel is not zero, otherwise one. */
typedef struct {
    int32_t *multiplier;
    int32_t *shift;
    int32_t is_per_channel;
} cmsis_nn_quant_params;

/* Limits of the result, both inclusive, in int8's range. */
typedef struct {
    int32_t min;
    int32_t max;
} cmsis_nn_activation;

typedef struct {
    int32_t input_offset;
    int32_t output_offset;
    cmsis_nn_tile stride;
    cmsis_nn_tile padding; /* before the first row and column; what follows the last one comes from the shapes */
    cmsis_nn_tile dilation;
    cmsis_nn_activation activation;
} cmsis_nn_conv_params;

typedef struct {
    int32_t input_offset;
    int32_t output_offset;
    int32_t ch_mult; /* output channels per input channel */
    cmsis_nn_tile stride;
    cmsis_nn_tile padding;
    cmsis_nn_tile dilation;
    cmsis_nn_activation activation;
} cmsis_nn_dw_conv_params;

typedef struct {
    cmsis_nn_tile stride;
    cmsis_nn_tile padding;
    cmsis_nn_activation activation;
} cmsis_nn_pool_params;

typedef struct {
    int32_t input_offset;
    int32_t filter_offset;
    int32_t output_offset;
    cmsis_nn_activation activation;
} cmsis_nn_fc_params;

/* An SVDF of `rank` filters per unit. The offsets are zero points as they are; input_activation clamps the state. */
typedef struct {
    int32_t rank;
    int32_t input_offset;
    int32_t output_offset;
    cmsis_nn_activation input_activation;
    cmsis_nn_activation output_activation;
} cmsis_nn_svdf_params;

/* The two activations of gates. */
typedef enum {
    ARM_SIGMOID = 0,
    ARM_TANH = 1
} arm_nn_activation_type;

/*
 * One gate of an LSTM: weights [hidden_size, input_size] and [hidden_size, hidden_size], int8; what their sums begin
 * with, [hidden_size], of int32 for int8 activations and of int64 for int16; and the factors that bring the sums to
 * Q3.12. bias is not read.
 */
typedef struct {
    int32_t input_multiplier;
    int32_t input_shift;
    const void *input_weights;
    const void *input_effective_bias;

    int32_t hidden_multiplier;
    int32_t hidden_shift;
    const void *hidden_weights;
    const void *hidden_effective_bias;

    const void *bias;
    arm_nn_activation_type activation_type;
} cmsis_nn_lstm_gate;

/* cell_clip: largest magnitude of the cell state, 0 for none; its scale is 2 to the power of cell_scale_power. */
typedef struct {
    int32_t time_major;
    int32_t batch_size;
    int32_t time_steps;
    int32_t input_size;
    int32_t hidden_size;
    int32_t input_offset; /* not read: the effective biases hold its share */

    int32_t forget_to_cell_multiplier;
    int32_t forget_to_cell_shift;
    int32_t input_to_cell_multiplier;
    int32_t input_to_cell_shift;
    int32_t cell_clip;
    int32_t cell_scale_power;

    int32_t output_multiplier;
    int32_t output_shift;
    int32_t output_offset; /* the zero point of the hidden state */

    cmsis_nn_lstm_gate forget_gate;
    cmsis_nn_lstm_gate input_gate;
    cmsis_nn_lstm_gate cell_gate;
    cmsis_nn_lstm_gate output_gate;
} cmsis_nn_lstm_params;

/*
 * Memory of an LSTM: temp1 and temp2 for one int16 per batch and unit; the states [batch_size, hidden_size], read before
 * the first step and written behind the last one: cell_state of int16, hidden_state of the activations' type. Where
 * hidden_state is NULL, both begin with 0.
 */
typedef struct {
    void *temp1;
    void *temp2;
    void *cell_state;
    void *hidden_state;
} cmsis_nn_lstm_context;

#endif
