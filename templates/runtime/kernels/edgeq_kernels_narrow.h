/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels for int8 tensors whose weights are -1, 0 and 1 (ternary) or -1 and 1 (binary), packed as edgeq_ternary.h and
 * edgeq_binary.h have them, on any core. Arguments, results and refusals are those of arm_nnfunctions.h for int8 weights:
 * groups, dilation, depth multipliers.
 */
#ifndef EDGEQ_KERNELS_NARROW_H
#define EDGEQ_KERNELS_NARROW_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"
#include "edgeq_narrow.h"

#ifdef __cplusplus
extern "C" {
#endif

arm_cmsis_nn_status edgeq_convolve_ternary_s8(const cmsis_nn_conv_params *conv_params,
                                              const cmsis_nn_per_channel_quant_params *quant_params,
                                              const cmsis_nn_dims *input_dims,
                                              const int8_t *input_data,
                                              const cmsis_nn_dims *filter_dims,
                                              const int8_t *filter_data,
                                              const int32_t *bias_data,
                                              const cmsis_nn_dims *output_dims,
                                              int8_t *output_data);

arm_cmsis_nn_status edgeq_depthwise_conv_ternary_s8(const cmsis_nn_dw_conv_params *dw_conv_params,
                                                    const cmsis_nn_per_channel_quant_params *quant_params,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int8_t *filter_data,
                                                    const int32_t *bias_data,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data);

/* filter_offset must be 0, else ARM_CMSIS_NN_ARG_ERROR. The second rounds as LiteRT 2.x. */
arm_cmsis_nn_status edgeq_fully_connected_ternary_s8(const cmsis_nn_fc_params *fc_params,
                                                     const cmsis_nn_quant_params *quant_params,
                                                     const cmsis_nn_dims *input_dims,
                                                     const int8_t *input_data,
                                                     const cmsis_nn_dims *filter_dims,
                                                     const int8_t *filter_data,
                                                     const int32_t *bias_data,
                                                     const cmsis_nn_dims *output_dims,
                                                     int8_t *output_data);

arm_cmsis_nn_status edgeq_fully_connected_single_rounding_ternary_s8(const cmsis_nn_fc_params *fc_params,
                                                                     const cmsis_nn_quant_params *quant_params,
                                                                     const cmsis_nn_dims *input_dims,
                                                                     const int8_t *input_data,
                                                                     const cmsis_nn_dims *filter_dims,
                                                                     const int8_t *filter_data,
                                                                     const int32_t *bias_data,
                                                                     const cmsis_nn_dims *output_dims,
                                                                     int8_t *output_data);

arm_cmsis_nn_status edgeq_convolve_binary_s8(const cmsis_nn_conv_params *conv_params,
                                             const cmsis_nn_per_channel_quant_params *quant_params,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const int8_t *filter_data,
                                             const int32_t *bias_data,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output_data);

arm_cmsis_nn_status edgeq_depthwise_conv_binary_s8(const cmsis_nn_dw_conv_params *dw_conv_params,
                                                   const cmsis_nn_per_channel_quant_params *quant_params,
                                                   const cmsis_nn_dims *input_dims,
                                                   const int8_t *input_data,
                                                   const cmsis_nn_dims *filter_dims,
                                                   const int8_t *filter_data,
                                                   const int32_t *bias_data,
                                                   const cmsis_nn_dims *output_dims,
                                                   int8_t *output_data);

arm_cmsis_nn_status edgeq_fully_connected_binary_s8(const cmsis_nn_fc_params *fc_params,
                                                    const cmsis_nn_quant_params *quant_params,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int8_t *filter_data,
                                                    const int32_t *bias_data,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data);

arm_cmsis_nn_status edgeq_fully_connected_single_rounding_binary_s8(const cmsis_nn_fc_params *fc_params,
                                                                    const cmsis_nn_quant_params *quant_params,
                                                                    const cmsis_nn_dims *input_dims,
                                                                    const int8_t *input_data,
                                                                    const cmsis_nn_dims *filter_dims,
                                                                    const int8_t *filter_data,
                                                                    const int32_t *bias_data,
                                                                    const cmsis_nn_dims *output_dims,
                                                                    int8_t *output_data);

/*
 * A convolution without groups of two output channels and more, for cores with the DSP extension. packed: one record per
 * two channels (edgeq's kernels/conv_2d_narrow_dsp.py). ctx: windows of four pixels in int16, then one of int8.
 * backwards: from the last pixel to the first.
 */
arm_cmsis_nn_status edgeq_convolve_ternary_dsp_s8(const cmsis_nn_context *ctx,
                                                  const cmsis_nn_conv_params *conv_params,
                                                  const cmsis_nn_dims *input_dims,
                                                  const int8_t *input_data,
                                                  const cmsis_nn_dims *filter_dims,
                                                  const int32_t *packed,
                                                  bool backwards,
                                                  const cmsis_nn_dims *output_dims,
                                                  int8_t *output_data);

arm_cmsis_nn_status edgeq_convolve_binary_dsp_s8(const cmsis_nn_context *ctx,
                                                 const cmsis_nn_conv_params *conv_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 bool backwards,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data);

/*
 * The same of few channels, with windows of four bytes and more; packed: edgeq's kernels/conv_2d_2x2_narrow_dsp.py. ctx:
 * two windows of int8. copies_all: every window is copied, which makes it one row.
 */
arm_cmsis_nn_status edgeq_convolve_2x2_ternary_dsp_s8(const cmsis_nn_context *ctx,
                                                      const cmsis_nn_conv_params *conv_params,
                                                      const cmsis_nn_dims *input_dims,
                                                      const int8_t *input_data,
                                                      const cmsis_nn_dims *filter_dims,
                                                      const int32_t *packed,
                                                      bool copies_all,
                                                      bool backwards,
                                                      const cmsis_nn_dims *output_dims,
                                                      int8_t *output_data);

arm_cmsis_nn_status edgeq_convolve_2x2_binary_dsp_s8(const cmsis_nn_context *ctx,
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
 * A dense layer of as many inputs as 64 pieces hold, for the same cores; packed: edgeq's
 * kernels/fully_connected_narrow_dsp.py. And a convolution without groups that gives it every window; ctx: one window of
 * int8.
 */
arm_cmsis_nn_status edgeq_fully_connected_ternary_dsp_s8(const cmsis_nn_fc_params *fc_params,
                                                         const cmsis_nn_dims *input_dims,
                                                         const int8_t *input_data,
                                                         const cmsis_nn_dims *filter_dims,
                                                         const int32_t *packed,
                                                         const cmsis_nn_dims *output_dims,
                                                         int8_t *output_data);

arm_cmsis_nn_status edgeq_convolve_few_ternary_dsp_s8(const cmsis_nn_context *ctx,
                                                      const cmsis_nn_conv_params *conv_params,
                                                      const cmsis_nn_dims *input_dims,
                                                      const int8_t *input_data,
                                                      const cmsis_nn_dims *filter_dims,
                                                      const int32_t *packed,
                                                      const cmsis_nn_dims *output_dims,
                                                      int8_t *output_data);

arm_cmsis_nn_status edgeq_fully_connected_binary_dsp_s8(const cmsis_nn_fc_params *fc_params,
                                                        const cmsis_nn_dims *input_dims,
                                                        const int8_t *input_data,
                                                        const cmsis_nn_dims *filter_dims,
                                                        const int32_t *packed,
                                                        const cmsis_nn_dims *output_dims,
                                                        int8_t *output_data);

arm_cmsis_nn_status edgeq_convolve_few_binary_dsp_s8(const cmsis_nn_context *ctx,
                                                     const cmsis_nn_conv_params *conv_params,
                                                     const cmsis_nn_dims *input_dims,
                                                     const int8_t *input_data,
                                                     const cmsis_nn_dims *filter_dims,
                                                     const int32_t *packed,
                                                     const cmsis_nn_dims *output_dims,
                                                     int8_t *output_data);

/*
 * Depthwise convolutions of four channels and more with one filter each. By windows of 3x3 with padding all around and a
 * stride of 1, of two pixels and more, input and output may be the same memory; ctx: four channels' records, and four lines
 * of pixels in int16. By other 3x3 windows; ctx: eight bytes for each tap of every four channels, and a pixel. By any; ctx:
 * as many, eight bytes for each corner of these taps, and eight.
 */
arm_cmsis_nn_status edgeq_depthwise_conv_3x3_narrow_dsp_s8(const cmsis_nn_context *ctx,
                                                           const cmsis_nn_dw_conv_params *dw_conv_params,
                                                           const edgeq_narrow_filters *filters,
                                                           const cmsis_nn_dims *input_dims,
                                                           const int8_t *input_data,
                                                           const cmsis_nn_dims *filter_dims,
                                                           bool by_columns,
                                                           const cmsis_nn_dims *output_dims,
                                                           int8_t *output_data);

arm_cmsis_nn_status edgeq_depthwise_conv_nine_narrow_dsp_s8(const cmsis_nn_context *ctx,
                                                            const cmsis_nn_dw_conv_params *dw_conv_params,
                                                            const edgeq_narrow_filters *filters,
                                                            const cmsis_nn_dims *input_dims,
                                                            const int8_t *input_data,
                                                            const cmsis_nn_dims *filter_dims,
                                                            const cmsis_nn_dims *output_dims,
                                                            int8_t *output_data);

arm_cmsis_nn_status edgeq_depthwise_conv_narrow_dsp_s8(const cmsis_nn_context *ctx,
                                                       const cmsis_nn_dw_conv_params *dw_conv_params,
                                                       const edgeq_narrow_filters *filters,
                                                       const cmsis_nn_dims *input_dims,
                                                       const int8_t *input_data,
                                                       const cmsis_nn_dims *filter_dims,
                                                       const cmsis_nn_dims *output_dims,
                                                       int8_t *output_data);

#ifdef __cplusplus
}
#endif

#endif
