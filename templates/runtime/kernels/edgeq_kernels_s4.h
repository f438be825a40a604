/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels for int8 tensors whose weights have 4 bits, two to a byte as edgeq_int4.h has them: what CMSIS-NN's functions
 * for such weights leave out, and they themselves where no CMSIS-NN is linked. Arguments, results and refusals are those
 * of the functions of arm_nnfunctions.h for int8 weights: groups, dilation, depth multipliers, batches of any parity.
 */
#ifndef EDGEQ_KERNELS_S4_H
#define EDGEQ_KERNELS_S4_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"

#ifdef __cplusplus
extern "C" {
#endif

arm_cmsis_nn_status edgeq_convolve_s4(const cmsis_nn_conv_params *conv_params,
                                      const cmsis_nn_per_channel_quant_params *quant_params,
                                      const cmsis_nn_dims *input_dims,
                                      const int8_t *input_data,
                                      const cmsis_nn_dims *filter_dims,
                                      const int8_t *filter_data,
                                      const int32_t *bias_data,
                                      const cmsis_nn_dims *output_dims,
                                      int8_t *output_data);

arm_cmsis_nn_status edgeq_depthwise_conv_s4(const cmsis_nn_dw_conv_params *dw_conv_params,
                                            const cmsis_nn_per_channel_quant_params *quant_params,
                                            const cmsis_nn_dims *input_dims,
                                            const int8_t *input_data,
                                            const cmsis_nn_dims *filter_dims,
                                            const int8_t *filter_data,
                                            const int32_t *bias_data,
                                            const cmsis_nn_dims *output_dims,
                                            int8_t *output_data);

/* filter_offset must be 0, else ARM_CMSIS_NN_ARG_ERROR. The second rounds as LiteRT 2.x. */
arm_cmsis_nn_status edgeq_fully_connected_s4(const cmsis_nn_fc_params *fc_params,
                                             const cmsis_nn_quant_params *quant_params,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const int8_t *filter_data,
                                             const int32_t *bias_data,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output_data);

arm_cmsis_nn_status edgeq_fully_connected_single_rounding_s4(const cmsis_nn_fc_params *fc_params,
                                                             const cmsis_nn_quant_params *quant_params,
                                                             const cmsis_nn_dims *input_dims,
                                                             const int8_t *input_data,
                                                             const cmsis_nn_dims *filter_dims,
                                                             const int8_t *filter_data,
                                                             const int32_t *bias_data,
                                                             const cmsis_nn_dims *output_dims,
                                                             int8_t *output_data);

/*
 * A convolution without groups of four output channels and more, for cores with the DSP extension. packed: one record per
 * four channels (edgeq's kernels/conv_2d_int4_dsp.py). ctx: windows of four pixels in int16, then one of int8. backwards:
 * from the last pixel to the first.
 */
arm_cmsis_nn_status edgeq_convolve_dsp_s4(const cmsis_nn_context *ctx,
                                          const cmsis_nn_conv_params *conv_params,
                                          const cmsis_nn_dims *input_dims,
                                          const int8_t *input_data,
                                          const cmsis_nn_dims *filter_dims,
                                          const int32_t *packed,
                                          bool backwards,
                                          const cmsis_nn_dims *output_dims,
                                          int8_t *output_data);

/* A dense layer for the same cores; packed: edgeq's kernels/fully_connected_int4_dsp.py. */
arm_cmsis_nn_status edgeq_fully_connected_dsp_s4(const cmsis_nn_fc_params *fc_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data);

/*
 * A depthwise convolution of four channels and more, each with one filter, for the same cores; packed: edgeq's
 * kernels/depthwise_conv_2d_int4_dsp.py. ctx: room for the table of edgeq_depthwise_conv_dsp_s8, which does the rest; for
 * every four channels sixteen words and two for each tap.
 */
arm_cmsis_nn_status edgeq_depthwise_conv_dsp_s4(const cmsis_nn_context *ctx,
                                                const cmsis_nn_dw_conv_params *dw_conv_params,
                                                const cmsis_nn_dims *input_dims,
                                                const int8_t *input_data,
                                                const cmsis_nn_dims *filter_dims,
                                                const int32_t *packed,
                                                bool one_shift,
                                                const cmsis_nn_dims *output_dims,
                                                int8_t *output_data);

#ifdef __cplusplus
}
#endif

#endif
