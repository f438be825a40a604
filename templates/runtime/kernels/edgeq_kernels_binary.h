/* SPDX-License-Identifier: Apache-2.0 */
/* Layers of int8 tensors that go on with the signs of their input, and whose weights are signs. */
#ifndef EDGEQ_KERNELS_BINARY_H
#define EDGEQ_KERNELS_BINARY_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A convolution without groups of b = 1 where the input is not below the threshold, -1 elsewhere, with weights of -1 and
 * 1. input_offset, 0 or 1, is added to b; what lies outside of the image adds nothing.
 *
 * packed: one record per output channel (edgeq's kernels/binary_inputs.py). by_two_words: it ends with two words for
 * edgeq_finish_few_s8; else with a bias, a multiplier and a shift. ctx: two windows in whole words; then, unless windows
 * share no inputs and each lies in one row of the image, four more, and the strings of an image (edgeq_bit_rows.h) and one.
 */
arm_cmsis_nn_status edgeq_binary_convolve_s8(const cmsis_nn_context *ctx,
                                             const cmsis_nn_conv_params *conv_params,
                                             int32_t threshold,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const int32_t *packed,
                                             bool by_two_words,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output_data);

/* The dense layer of such inputs and weights; ctx: a row of inputs as bits, in whole words. */
arm_cmsis_nn_status edgeq_binary_fully_connected_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_fc_params *fc_params,
                                                    int32_t threshold,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int32_t *packed,
                                                    bool by_two_words,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data);

/*
 * The same of windows of up to 32 inputs (edgeq's kernels/binary_few.py). ctx: the strings of an image and one more. The
 * input's offset is 0.
 */
arm_cmsis_nn_status edgeq_binary_convolve_few_s8(const cmsis_nn_context *ctx,
                                                 const cmsis_nn_conv_params *conv_params,
                                                 int32_t threshold,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 bool by_two_words,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data);

/*
 * The same of windows and rows of up to 32 inputs by tables of results, where what lies outside of the image, if there is
 * anything, counts as -1. ctx: the strings of an image, unless each window lies in one row of it.
 */
arm_cmsis_nn_status edgeq_binary_convolve_table_s8(const cmsis_nn_context *ctx,
                                                   const cmsis_nn_conv_params *conv_params,
                                                   int32_t threshold,
                                                   const cmsis_nn_dims *input_dims,
                                                   const int8_t *input_data,
                                                   const cmsis_nn_dims *filter_dims,
                                                   const int32_t *packed,
                                                   const cmsis_nn_dims *output_dims,
                                                   int8_t *output_data);

arm_cmsis_nn_status edgeq_binary_fully_connected_table_s8(int32_t threshold,
                                                          const cmsis_nn_dims *input_dims,
                                                          const int8_t *input_data,
                                                          const cmsis_nn_dims *filter_dims,
                                                          const int32_t *packed,
                                                          const cmsis_nn_dims *output_dims,
                                                          int8_t *output_data);

#ifdef __cplusplus
}
#endif

#endif
