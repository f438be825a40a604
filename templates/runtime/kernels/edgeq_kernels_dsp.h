/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tuned kernels for cores with the DSP extension, in edgeq_kernels.h's style: the results of the CMSIS-NN function of
 * the same operator, from a table that edgeq makes of weights, bias and requantization when the model is built
 * (kernels/packing.py describes it), which is why there are no such arguments. Elsewhere they are portable C.
 */
#ifndef EDGEQ_KERNELS_DSP_H
#define EDGEQ_KERNELS_DSP_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * arm_depthwise_conv_wrapper_s8 for four channels and more, each with one filter; any stride, padding and dilation, no
 * scratch. Pixels are computed in the order of the output, which may overwrite what has been read. one_shift: whether
 * the table requantizes all channels by one shift. ARM_CMSIS_NN_ARG_ERROR: shapes that it cannot compute.
 */
arm_cmsis_nn_status edgeq_depthwise_conv_dsp_s8(const cmsis_nn_dw_conv_params *dw_conv_params,
                                                const cmsis_nn_dims *input_dims,
                                                const int8_t *input_data,
                                                const cmsis_nn_dims *filter_dims,
                                                const int32_t *packed,
                                                bool one_shift,
                                                const cmsis_nn_dims *output_dims,
                                                int8_t *output_data);

/*
 * arm_convolve_wrapper_s8 without groups, for two output channels and more. copies_all: whether every window is copied
 * and a row of the table is a whole filter; it has four weights or more. Otherwise rows of filters (width times
 * channels) have, and there is no dilation in width. ctx: room for two windows (height times width times channels of a
 * filter, each) if all are copied or one hangs over the image's edge, else none. Pixels are computed two by two in the
 * order of the output, or from the last to the first if `backwards`: the output may overwrite what has been read.
 * ARM_CMSIS_NN_ARG_ERROR: shapes that it cannot compute, too little room.
 */
arm_cmsis_nn_status edgeq_convolve_dsp_s8(const cmsis_nn_context *ctx,
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
 * output[i] = limited to int8(requantized(table1[input1[i] + 128] + table2[input2[i] + 128])), i < size. quant: multiplier,
 * addend and shift for twice the sum of two values on the operands' common scale, as which the tables hold them; made by
 * edgeq, see kernels/addition_tables.py. out_offset: the one that is part of the addend. The output may be an input.
 */
arm_cmsis_nn_status edgeq_add_tables_s8(const int8_t *input1,
                                        const int8_t *input2,
                                        const int32_t *table1,
                                        const int32_t *table2,
                                        int8_t *output,
                                        const int32_t *quant,
                                        int32_t out_offset,
                                        int32_t activation_min,
                                        int32_t activation_max,
                                        int32_t size);

/*
 * arm_depthwise_conv_wrapper_s8 for 3x3 windows, strides of 1, padding by 1, one filter per channel, four channels and
 * more; packed: made by edgeq, see kernels/depthwise_conv_2d_3x3_dsp.py, its windows transposed if by_columns. ctx: room
 * for 12 * ((length + 1) / 2 + 1) words, aligned, where length is the image's width, or its height if by_columns. Output
 * and input may be the same. one_shift: whether the table requantizes all channels by one shift.
 * ARM_CMSIS_NN_ARG_ERROR: shapes that it cannot compute, too little room.
 */
arm_cmsis_nn_status edgeq_depthwise_conv_3x3_dsp_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_dw_conv_params *dw_conv_params,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int32_t *packed,
                                                    bool by_columns,
                                                    bool one_shift,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data);

/*
 * arm_convolve_wrapper_s8 without groups, for two output channels and more; packed: made by edgeq, see
 * kernels/conv_2d_4x2_dsp.py. ctx: room for four windows of int16 (words of two, an even number of them), aligned to
 * words, and for one of int8 if one hangs over the image's edge or is dilated in width. Pixels are computed four by four
 * in the order of the output, or from the last to the first if `backwards`: the output may overwrite what has been read.
 * one_shift: whether the table requantizes all channels by one shift. ARM_CMSIS_NN_ARG_ERROR: shapes that it cannot
 * compute, too little room.
 */
arm_cmsis_nn_status edgeq_convolve_4x2_dsp_s8(const cmsis_nn_context *ctx,
                                              const cmsis_nn_conv_params *conv_params,
                                              const cmsis_nn_dims *input_dims,
                                              const int8_t *input_data,
                                              const cmsis_nn_dims *filter_dims,
                                              const int32_t *packed,
                                              bool one_shift,
                                              bool backwards,
                                              const cmsis_nn_dims *output_dims,
                                              int8_t *output_data);

/*
 * edgeq_convolve_s16 without groups, for two output channels and more; packed: made by edgeq, see
 * kernels/conv_2d_4x2_dsp_s16.py. ctx: room for four windows (words of two inputs, an even number of them), aligned to
 * words, and for one more if one hangs over the image's edge or is dilated in width. Walks as edgeq_convolve_4x2_dsp_s8.
 * one_shift: whether the table requantizes all channels by one multiplication. ARM_CMSIS_NN_ARG_ERROR: shapes that it
 * cannot compute, too little room.
 */
arm_cmsis_nn_status edgeq_convolve_4x2_dsp_s16(const cmsis_nn_context *ctx,
                                               const cmsis_nn_conv_params *conv_params,
                                               const cmsis_nn_dims *input_dims,
                                               const int16_t *input_data,
                                               const cmsis_nn_dims *filter_dims,
                                               const int32_t *packed,
                                               bool one_shift,
                                               bool backwards,
                                               const cmsis_nn_dims *output_dims,
                                               int16_t *output_data);

/*
 * arm_fully_connected_wrapper_s8 for four inputs and four units and more; no scratch. segment: a number of inputs, a
 * multiple of 16, whose sums the table's words can hold. one_shift: whether the table requantizes all units by one
 * shift. The output may not be the input.
 * ARM_CMSIS_NN_ARG_ERROR: shapes that it cannot compute.
 */
arm_cmsis_nn_status edgeq_fully_connected_dsp_s8(const cmsis_nn_fc_params *fc_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 int32_t segment,
                                                 bool one_shift,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data);

/*
 * edgeq_fully_connected_s16 for four units and more; packed: made by edgeq, see kernels/fully_connected_dsp_s16.py.
 * one_shift: whether the table requantizes all units by one multiplication. The output may not be the input.
 * ARM_CMSIS_NN_ARG_ERROR: shapes that it cannot compute.
 */
arm_cmsis_nn_status edgeq_fully_connected_dsp_s16(const cmsis_nn_fc_params *fc_params,
                                                  const cmsis_nn_dims *input_dims,
                                                  const int16_t *input_data,
                                                  const cmsis_nn_dims *filter_dims,
                                                  const int32_t *packed,
                                                  bool one_shift,
                                                  const cmsis_nn_dims *output_dims,
                                                  int16_t *output_data);

/*
 * edgeq_depthwise_conv_s16 for four channels and more, each with one filter; packed: made by edgeq, see
 * kernels/depthwise_conv_2d_dsp_s16.py. Walks as edgeq_depthwise_conv_dsp_s8. one_shift: whether the table requantizes all
 * channels by one multiplication. ARM_CMSIS_NN_ARG_ERROR: shapes that it cannot compute.
 */
arm_cmsis_nn_status edgeq_depthwise_conv_dsp_s16(const cmsis_nn_dw_conv_params *dw_conv_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int16_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 bool one_shift,
                                                 const cmsis_nn_dims *output_dims,
                                                 int16_t *output_data);

#ifdef __cplusplus
}
#endif

#endif
