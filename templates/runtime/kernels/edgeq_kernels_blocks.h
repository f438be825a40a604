/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers of int8 tensors whose weights come in blocks along the inputs of a result, each block with a scale and a minimum
 * in units of its channel's scale. A weight's zero point is the negative minimum of a block as long as the channel.
 * Arguments not described are those of CMSIS-NN's functions; the context holds 4 bytes for each block of a channel and 2
 * for each of its weights, their number brought to a multiple of eight.
 */
#ifndef EDGEQ_KERNELS_BLOCKS_H
#define EDGEQ_KERNELS_BLOCKS_H

#include <stdbool.h>

#include "arm_nn_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Weights as edgeq_blocks.h has them. */
typedef struct {
    const int8_t *weights;
    const int8_t *scales;  /* of each channel's blocks; NULL: all are 1 */
    const int16_t *minima; /* the same number of them, or NULL where all are 0 */
    int32_t size;          /* weights of a block: a multiple of eight, or all of a channel */
} edgeq_block_filter;

/* filter_dims says the window's height and width, and the channels of a group. */
arm_cmsis_nn_status edgeq_convolve_blocks_s8(const cmsis_nn_context *ctx,
                                             const cmsis_nn_conv_params *conv_params,
                                             const cmsis_nn_per_channel_quant_params *quant_params,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const edgeq_block_filter *filter,
                                             const int32_t *bias_data,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output_data);

/* The same with weights of 4 bits. */
arm_cmsis_nn_status edgeq_convolve_blocks_s4(const cmsis_nn_context *ctx,
                                             const cmsis_nn_conv_params *conv_params,
                                             const cmsis_nn_per_channel_quant_params *quant_params,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const edgeq_block_filter *filter,
                                             const int32_t *bias_data,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output_data);

/*
 * Two output channels and more without groups, for cores with the DSP extension; packed: edgeq's
 * kernels/conv_2d_blocks_dsp.py, whose fifth number says what ctx has to hold. backwards: from the last pixel to the first.
 */
arm_cmsis_nn_status edgeq_convolve_blocks_dsp_s8(const cmsis_nn_context *ctx,
                                                 const cmsis_nn_conv_params *conv_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 bool backwards,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data);

/* The same with weights of 4 bits. */
arm_cmsis_nn_status edgeq_convolve_blocks_dsp_s4(const cmsis_nn_context *ctx,
                                                 const cmsis_nn_conv_params *conv_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 bool backwards,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data);

/* rounds_once: requantization rounds as LiteRT 2.x. fc_params' filter_offset means nothing here. */
arm_cmsis_nn_status edgeq_fully_connected_blocks_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_fc_params *fc_params,
                                                    const cmsis_nn_quant_params *quant_params,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const edgeq_block_filter *filter,
                                                    const int32_t *bias_data,
                                                    bool rounds_once,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data);

/* The same with weights of 4 bits. */
arm_cmsis_nn_status edgeq_fully_connected_blocks_s4(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_fc_params *fc_params,
                                                    const cmsis_nn_quant_params *quant_params,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const edgeq_block_filter *filter,
                                                    const int32_t *bias_data,
                                                    bool rounds_once,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data);

#ifdef __cplusplus
}
#endif

#endif
