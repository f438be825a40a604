/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels for cores with the vector extension (MVE), in place of CMSIS-NN's functions. Offsets, multipliers and shifts as
 * in edgeq_kernels.h. `packed` is a table that edgeq makes: see the file of the kernel's name in edgeq/kernels/. All
 * answer ARM_CMSIS_NN_ARG_ERROR for shapes that they cannot compute and for too little room.
 */
#ifndef EDGEQ_KERNELS_MVE_H
#define EDGEQ_KERNELS_MVE_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * arm_convolve_wrapper_s8 without groups, for four output channels and more. copies_all: whether every window is copied
 * and a row of the table is a whole filter; otherwise there is no dilation in width. ctx: room for two windows (height
 * times width times channels of a filter), each rounded up to sixteen bytes, and sixteen more, if all are copied, if one
 * hangs over the image's edge, or if rows of the output have an odd number of pixels; else none. Pixels are computed
 * two by two in the order of the output, or from the last to the first if `backwards`: the output may overwrite what has
 * been read.
 */
arm_cmsis_nn_status edgeq_convolve_mve_s8(const cmsis_nn_context *ctx,
                                          const cmsis_nn_conv_params *conv_params,
                                          const cmsis_nn_dims *input_dims,
                                          const int8_t *input_data,
                                          const cmsis_nn_dims *filter_dims,
                                          const int32_t *packed,
                                          bool copies_all,
                                          bool backwards,
                                          const cmsis_nn_dims *output_dims,
                                          int8_t *output_data);

/* The same with weights of four bits, two to a byte. */
arm_cmsis_nn_status edgeq_convolve_mve_s4(const cmsis_nn_context *ctx,
                                          const cmsis_nn_conv_params *conv_params,
                                          const cmsis_nn_dims *input_dims,
                                          const int8_t *input_data,
                                          const cmsis_nn_dims *filter_dims,
                                          const int32_t *packed,
                                          bool copies_all,
                                          bool backwards,
                                          const cmsis_nn_dims *output_dims,
                                          int8_t *output_data);

/* The same with ternary weights, binary ones among them, four to a byte. */
arm_cmsis_nn_status edgeq_convolve_ternary_mve_s8(const cmsis_nn_context *ctx,
                                                  const cmsis_nn_conv_params *conv_params,
                                                  const cmsis_nn_dims *input_dims,
                                                  const int8_t *input_data,
                                                  const cmsis_nn_dims *filter_dims,
                                                  const int32_t *packed,
                                                  bool copies_all,
                                                  bool backwards,
                                                  const cmsis_nn_dims *output_dims,
                                                  int8_t *output_data);

/*
 * The same of binary weights and of inputs that are 1 where they reach the threshold, an int8, and -1 elsewhere. Every
 * window is copied.
 */
arm_cmsis_nn_status edgeq_binary_convolve_mve_s8(const cmsis_nn_context *ctx,
                                                 const cmsis_nn_conv_params *conv_params,
                                                 int32_t threshold,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 bool backwards,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data);

/*
 * arm_depthwise_conv_wrapper_s8 for windows of 3 by 3 and one filter per channel. ctx: a byte per channel. Pixels are
 * computed in the order of the output, which may overwrite what has been read.
 */
arm_cmsis_nn_status edgeq_depthwise_conv_3x3_mve_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_dw_conv_params *dw_conv_params,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int32_t *packed,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data);

/* arm_fully_connected_wrapper_s8; no scratch. The output may not be the input. */
arm_cmsis_nn_status edgeq_fully_connected_mve_s8(const cmsis_nn_fc_params *fc_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data);

/* The same with weights of four bits, two to a byte. */
arm_cmsis_nn_status edgeq_fully_connected_mve_s4(const cmsis_nn_fc_params *fc_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data);

/* The same with ternary weights, four to a byte, and with binary ones, eight. */
arm_cmsis_nn_status edgeq_fully_connected_ternary_mve_s8(const cmsis_nn_fc_params *fc_params,
                                                         const cmsis_nn_dims *input_dims,
                                                         const int8_t *input_data,
                                                         const cmsis_nn_dims *filter_dims,
                                                         const int32_t *packed,
                                                         const cmsis_nn_dims *output_dims,
                                                         int8_t *output_data);

arm_cmsis_nn_status edgeq_fully_connected_binary_mve_s8(const cmsis_nn_fc_params *fc_params,
                                                        const cmsis_nn_dims *input_dims,
                                                        const int8_t *input_data,
                                                        const cmsis_nn_dims *filter_dims,
                                                        const int32_t *packed,
                                                        const cmsis_nn_dims *output_dims,
                                                        int8_t *output_data);

/*
 * The same of binary weights and of inputs that are 1 where they reach the threshold, an int8, and -1 elsewhere. ctx: a
 * byte per input. Of one row the output may be the input.
 */
arm_cmsis_nn_status edgeq_binary_fully_connected_mve_s8(const cmsis_nn_context *ctx,
                                                        const cmsis_nn_fc_params *fc_params,
                                                        int32_t threshold,
                                                        const cmsis_nn_dims *input_dims,
                                                        const int8_t *input_data,
                                                        const cmsis_nn_dims *filter_dims,
                                                        const int32_t *packed,
                                                        const cmsis_nn_dims *output_dims,
                                                        int8_t *output_data);

/*
 * arm_elementwise_add_s8 where the first operand's factor is a half, the second's shift is 0 or to the right, and that of
 * the output is to the right. The output may be an operand.
 */
arm_cmsis_nn_status edgeq_add_mve_s8(const int8_t *halved,
                                     const int8_t *scaled,
                                     int32_t halved_offset,
                                     int32_t scaled_offset,
                                     int32_t scaled_mult,
                                     int32_t scaled_shift,
                                     int32_t left_shift,
                                     int8_t *output,
                                     int32_t out_offset,
                                     int32_t out_mult,
                                     int32_t out_shift,
                                     int32_t out_activation_min,
                                     int32_t out_activation_max,
                                     int32_t block_size);

/* arm_avgpool_s8 for windows of up to 256 pixels; no scratch. */
arm_cmsis_nn_status edgeq_avgpool_mve_s8(const cmsis_nn_pool_params *pool_params,
                                         const cmsis_nn_dims *input_dims,
                                         const int8_t *input_data,
                                         const cmsis_nn_dims *filter_dims,
                                         const cmsis_nn_dims *output_dims,
                                         int8_t *output_data);

#ifdef __cplusplus
}
#endif

#endif
