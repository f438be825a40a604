/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tuned kernels for cores without the DSP extension; in edgeq_kernels.h's style.
 *
 * is_narrow: whether the table is for cores without 64-bit products, see edgeq_finish.h; ARM_CMSIS_NN_ARG_ERROR where
 * the core does not know it. is_short: whether its results are those of edgeq_finish_short.h.
 */
#ifndef EDGEQ_KERNELS_SCALAR_H
#define EDGEQ_KERNELS_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * arm_convolve_wrapper_s8 without groups, for two output channels and more: two products of one multiplication
 * (kernels/lane_blocks.py). ctx: five words for every four weights of a filter, their number rounded up to eights,
 * aligned to words; behind them two windows of so many bytes if one hangs over the image's edge, or if columns of a
 * filter are no neighbours. Pixels are computed two by two in the order of the output, or from the last to the first if
 * `backwards`: the output may overwrite what has been read.
 * ARM_CMSIS_NN_ARG_ERROR: shapes that it cannot compute, too little room.
 */
arm_cmsis_nn_status edgeq_convolve_lanes_s8(const cmsis_nn_context *ctx,
                                            const cmsis_nn_conv_params *conv_params,
                                            const cmsis_nn_dims *input_dims,
                                            const int8_t *input_data,
                                            const cmsis_nn_dims *filter_dims,
                                            const int32_t *packed,
                                            bool is_narrow,
                                            bool is_short,
                                            bool backwards,
                                            const cmsis_nn_dims *output_dims,
                                            int8_t *output_data);

/*
 * The same of weights of -1, 0 and 1 (is_ternary) or -1 and 1, for any number of output channels, by the sums of subsets of
 * inputs (kernels/subsets.py). kind: of requantization, see edgeq_subsets.h. ctx: aligned to words, so many bytes as
 * edgeq_subset_bytes says; behind them two windows, rounded up to fours, if one hangs over the image's edge or its rows are
 * no whole fours in one piece.
 */
arm_cmsis_nn_status edgeq_convolve_subsets_s8(const cmsis_nn_context *ctx,
                                              const cmsis_nn_conv_params *conv_params,
                                              const cmsis_nn_dims *input_dims,
                                              const int8_t *input_data,
                                              const cmsis_nn_dims *filter_dims,
                                              const int32_t *packed,
                                              bool is_ternary,
                                              bool is_narrow,
                                              int32_t kind,
                                              bool backwards,
                                              const cmsis_nn_dims *output_dims,
                                              int8_t *output_data);

/*
 * arm_depthwise_conv_wrapper_s8 for one filter per channel; any stride, padding and dilation. ctx: room for a window of
 * all channels if one hangs over the image's edge, else none. Pixels are computed in the order of the output, which may
 * overwrite what has been read. ARM_CMSIS_NN_ARG_ERROR: shapes that it cannot compute, too little room.
 */
arm_cmsis_nn_status edgeq_depthwise_conv_words_s8(const cmsis_nn_context *ctx,
                                                  const cmsis_nn_dw_conv_params *dw_conv_params,
                                                  const cmsis_nn_dims *input_dims,
                                                  const int8_t *input_data,
                                                  const cmsis_nn_dims *filter_dims,
                                                  const int32_t *packed,
                                                  bool is_narrow,
                                                  const cmsis_nn_dims *output_dims,
                                                  int8_t *output_data);

/*
 * The same by 3x3, without dilation, of a table with results of edgeq_finish_short.h. Pixels of a row are computed two
 * by two, with a stride of 1 and wide words four by four, one where two are not left. ctx: room for the three rows of all
 * that such pixels see if any of it hangs over the image's edge, else none.
 */
arm_cmsis_nn_status edgeq_depthwise_conv_3x3_words_s8(const cmsis_nn_context *ctx,
                                                      const cmsis_nn_dw_conv_params *dw_conv_params,
                                                      const cmsis_nn_dims *input_dims,
                                                      const int8_t *input_data,
                                                      const cmsis_nn_dims *filter_dims,
                                                      const int32_t *packed,
                                                      bool is_narrow,
                                                      const cmsis_nn_dims *output_dims,
                                                      int8_t *output_data);

/*
 * arm_fully_connected_wrapper_s8 for four units and more: the weights of two units in one word. ctx: a word for every
 * eight inputs, their number rounded up to eights, aligned to words; behind them room for so many inputs if their number
 * is no multiple of eight. The output may not be the input. ARM_CMSIS_NN_ARG_ERROR: shapes that it cannot compute, too
 * little room.
 */
arm_cmsis_nn_status edgeq_fully_connected_lanes_s8(const cmsis_nn_context *ctx,
                                                   const cmsis_nn_fc_params *fc_params,
                                                   const cmsis_nn_dims *input_dims,
                                                   const int8_t *input_data,
                                                   const cmsis_nn_dims *filter_dims,
                                                   const int32_t *packed,
                                                   bool is_narrow,
                                                   const cmsis_nn_dims *output_dims,
                                                   int8_t *output_data);

/*
 * The same of weights of -1, 0 and 1 or -1 and 1, as edgeq_convolve_subsets_s8, for any number of units. ctx: as there, with
 * two rows of inputs behind if their number is no multiple of four. The output may not be the input.
 */
arm_cmsis_nn_status edgeq_fully_connected_subsets_s8(const cmsis_nn_context *ctx,
                                                     const cmsis_nn_fc_params *fc_params,
                                                     const cmsis_nn_dims *input_dims,
                                                     const int8_t *input_data,
                                                     const cmsis_nn_dims *filter_dims,
                                                     const int32_t *packed,
                                                     bool is_ternary,
                                                     bool is_narrow,
                                                     int32_t kind,
                                                     const cmsis_nn_dims *output_dims,
                                                     int8_t *output_data);

#ifdef __cplusplus
}
#endif

#endif
