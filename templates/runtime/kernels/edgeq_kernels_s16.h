/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels for int16 tensors, as edgeq_kernels.h has them for int8. Zero points of int16 are 0. Sums of products have 64
 * bits where a layer's bias has, and are then requantized by edgeq_requantize_wide; with an int32 bias they have 32.
 */
#ifndef EDGEQ_KERNELS_S16_H
#define EDGEQ_KERNELS_S16_H

#include "arm_nn_types.h"
#include "edgeq_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * clamp(requantize(x + input_offset) + out_offset) of each element, by mult and shift where x + input_offset is not
 * negative, by negative_mult and negative_shift where it is. In s16 the output may be the input.
 * ARM_CMSIS_NN_ARG_ERROR: negative size.
 */
arm_cmsis_nn_status edgeq_rescale_s16(const int16_t *input, int32_t size, int32_t input_offset, int32_t mult, int32_t shift,
                                      int32_t negative_mult, int32_t negative_shift, int32_t out_offset,
                                      int32_t out_activation_min, int32_t out_activation_max, int16_t *output);
arm_cmsis_nn_status edgeq_rescale_s8_s16(const int8_t *input, int32_t size, int32_t input_offset, int32_t mult, int32_t shift,
                                         int32_t negative_mult, int32_t negative_shift, int32_t out_offset,
                                         int32_t out_activation_min, int32_t out_activation_max, int16_t *output);
arm_cmsis_nn_status edgeq_rescale_s16_s8(const int16_t *input, int32_t size, int32_t input_offset, int32_t mult, int32_t shift,
                                         int32_t negative_mult, int32_t negative_shift, int32_t out_offset,
                                         int32_t out_activation_min, int32_t out_activation_max, int8_t *output);
/* The same from and to int32, whose zero point is 0. */
arm_cmsis_nn_status edgeq_rescale_s16_s32(const int16_t *input, int32_t size, int32_t input_offset, int32_t mult, int32_t shift,
                                          int32_t negative_mult, int32_t negative_shift, int32_t out_offset,
                                          int32_t out_activation_min, int32_t out_activation_max, int32_t *output);
arm_cmsis_nn_status edgeq_rescale_s32_s8(const int32_t *input, int32_t size, int32_t input_offset, int32_t mult, int32_t shift,
                                         int32_t negative_mult, int32_t negative_shift, int32_t out_offset,
                                         int32_t out_activation_min, int32_t out_activation_max, int8_t *output);
arm_cmsis_nn_status edgeq_rescale_s32_s16(const int32_t *input, int32_t size, int32_t input_offset, int32_t mult, int32_t shift,
                                          int32_t negative_mult, int32_t negative_shift, int32_t out_offset,
                                          int32_t out_activation_min, int32_t out_activation_max, int16_t *output);

/*
 * Logistic function and hyperbolic tangent with results of scale 2^-15: x * mult / 2^shift is the argument in units of
 * 1/(3 * 4096); mult in [0, 32767], shift in [0, 30]. The output may be the input. ARM_CMSIS_NN_ARG_ERROR: others.
 */
arm_cmsis_nn_status edgeq_logistic_s16(const int16_t *input, int32_t size, int32_t multiplier, int32_t shift,
                                       int16_t *output);
arm_cmsis_nn_status edgeq_tanh_s16(const int16_t *input, int32_t size, int32_t multiplier, int32_t shift,
                                   int16_t *output);

/*
 * Convolution, depthwise convolution and dense layer: shapes and refusals as those of CMSIS-NN's functions for int8,
 * groups too, no scratch. One of the biases is null; wide_bias may be null as well.
 */
arm_cmsis_nn_status edgeq_convolve_s16(const cmsis_nn_conv_params *conv_params,
                                       const cmsis_nn_per_channel_quant_params *quant_params,
                                       const cmsis_nn_dims *input_dims,
                                       const int16_t *input_data,
                                       const cmsis_nn_dims *filter_dims,
                                       const int8_t *filter_data,
                                       const int32_t *narrow_bias,
                                       const int64_t *wide_bias,
                                       const cmsis_nn_dims *output_dims,
                                       int16_t *output_data);

arm_cmsis_nn_status edgeq_depthwise_conv_s16(const cmsis_nn_dw_conv_params *dw_conv_params,
                                             const cmsis_nn_per_channel_quant_params *quant_params,
                                             const cmsis_nn_dims *input_dims,
                                             const int16_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const int8_t *filter_data,
                                             const int32_t *narrow_bias,
                                             const int64_t *wide_bias,
                                             const cmsis_nn_dims *output_dims,
                                             int16_t *output_data);

arm_cmsis_nn_status edgeq_fully_connected_s16(const cmsis_nn_fc_params *fc_params,
                                              const cmsis_nn_quant_params *quant_params,
                                              const cmsis_nn_dims *input_dims,
                                              const int16_t *input_data,
                                              const cmsis_nn_dims *filter_dims,
                                              const int8_t *filter_data,
                                              const int32_t *narrow_bias,
                                              const int64_t *wide_bias,
                                              const cmsis_nn_dims *output_dims,
                                              int16_t *output_data);

/*
 * Softmax of rows; the output has scale 2^-15. mult and shift bring a difference of two inputs to units of 10/65535. Tables
 * of 513 entries, Q0.15, for inputs -32768 ... 32767 in steps of 128: exp over [-10, 0], 1 / (1 + x) over [0, 1]. Unlike
 * arm_softmax_s16 right for every sum. The output may be the input. ARM_CMSIS_NN_ARG_ERROR: no rows, or a row of less than
 * 1 or more than 32767.
 */
arm_cmsis_nn_status edgeq_softmax_s16(const int16_t *input, int32_t rows, int32_t row_size, int32_t mult, int32_t shift,
                                      const int16_t *exp_table, const int16_t *reciprocal_table, int16_t *output);

/* edgeq_add_broadcast_s8 and its like for int16. */
arm_cmsis_nn_status edgeq_add_broadcast_s16(const int16_t *input_1_data,
                                            const int16_t *input_2_data,
                                            int32_t rank,
                                            const int32_t *dims,
                                            const int32_t *strides_1,
                                            const int32_t *strides_2,
                                            int32_t input_1_offset,
                                            int32_t input_1_mult,
                                            int32_t input_1_shift,
                                            int32_t input_2_offset,
                                            int32_t input_2_mult,
                                            int32_t input_2_shift,
                                            int32_t left_shift,
                                            int16_t *output,
                                            int32_t out_offset,
                                            int32_t out_mult,
                                            int32_t out_shift,
                                            int32_t out_activation_min,
                                            int32_t out_activation_max);

arm_cmsis_nn_status edgeq_sub_broadcast_s16(const int16_t *input_1_data,
                                            const int16_t *input_2_data,
                                            int32_t rank,
                                            const int32_t *dims,
                                            const int32_t *strides_1,
                                            const int32_t *strides_2,
                                            int32_t input_1_offset,
                                            int32_t input_1_mult,
                                            int32_t input_1_shift,
                                            int32_t input_2_offset,
                                            int32_t input_2_mult,
                                            int32_t input_2_shift,
                                            int32_t left_shift,
                                            int16_t *output,
                                            int32_t out_offset,
                                            int32_t out_mult,
                                            int32_t out_shift,
                                            int32_t out_activation_min,
                                            int32_t out_activation_max);

arm_cmsis_nn_status edgeq_mul_broadcast_s16(const int16_t *input_1_data,
                                            const int16_t *input_2_data,
                                            int32_t rank,
                                            const int32_t *dims,
                                            const int32_t *strides_1,
                                            const int32_t *strides_2,
                                            int32_t input_1_offset,
                                            int32_t input_2_offset,
                                            int16_t *output,
                                            int32_t out_offset,
                                            int32_t out_mult,
                                            int32_t out_shift,
                                            int32_t out_activation_min,
                                            int32_t out_activation_max);

/* Extremes, means: as for int8. */
arm_cmsis_nn_status edgeq_minimum_s16(const int16_t *input_1_data,
                                      const int16_t *input_2_data,
                                      int32_t rank,
                                      const int32_t *dims,
                                      const int32_t *strides_1,
                                      const int32_t *strides_2,
                                      int16_t *output);

arm_cmsis_nn_status edgeq_maximum_s16(const int16_t *input_1_data,
                                      const int16_t *input_2_data,
                                      int32_t rank,
                                      const int32_t *dims,
                                      const int32_t *strides_1,
                                      const int32_t *strides_2,
                                      int16_t *output);

/* As edgeq_squared_difference_s8. */
arm_cmsis_nn_status edgeq_squared_difference_s16(const int16_t *input_1_data,
                                                 const int16_t *input_2_data,
                                                 int32_t rank,
                                                 const int32_t *dims,
                                                 const int32_t *strides_1,
                                                 const int32_t *strides_2,
                                                 int32_t input_1_offset,
                                                 int32_t input_1_mult,
                                                 int32_t input_1_shift,
                                                 int32_t input_2_offset,
                                                 int32_t input_2_mult,
                                                 int32_t input_2_shift,
                                                 int32_t left_shift,
                                                 int16_t *output,
                                                 int32_t out_offset,
                                                 int32_t out_mult,
                                                 int32_t out_shift);

arm_cmsis_nn_status edgeq_reduce_max_s16(const int16_t *input,
                                         int32_t kept_rank,
                                         const int32_t *kept_dims,
                                         const int32_t *kept_strides,
                                         int32_t reduced_rank,
                                         const int32_t *reduced_dims,
                                         const int32_t *reduced_strides,
                                         int16_t *output);

arm_cmsis_nn_status edgeq_reduce_min_s16(const int16_t *input,
                                         int32_t kept_rank,
                                         const int32_t *kept_dims,
                                         const int32_t *kept_strides,
                                         int32_t reduced_rank,
                                         const int32_t *reduced_dims,
                                         const int32_t *reduced_strides,
                                         int16_t *output);

arm_cmsis_nn_status edgeq_mean_s16(const int16_t *input,
                                   int32_t kept_rank,
                                   const int32_t *kept_dims,
                                   const int32_t *kept_strides,
                                   int32_t reduced_rank,
                                   const int32_t *reduced_dims,
                                   const int32_t *reduced_strides,
                                   int32_t sum_offset,
                                   int32_t out_mult,
                                   int32_t out_shift,
                                   int32_t out_offset,
                                   int16_t *output);

/* edgeq_batch_matmul_s8 of edgeq_kernels.h for int16; sums of 64 bits below 2^47, requantized by edgeq_requantize_wide. */
arm_cmsis_nn_status edgeq_batch_matmul_s16(const edgeq_batch_matmul_params *p,
                                           const int16_t *input_1,
                                           const int16_t *input_2,
                                           int16_t *output);

/* edgeq_resize_bilinear_s8 of edgeq_kernels.h for int16. */
arm_cmsis_nn_status edgeq_resize_bilinear_s16(const cmsis_nn_dims *input_dims,
                                              const int16_t *input,
                                              int32_t scale_h,
                                              int32_t scale_w,
                                              int32_t start_h,
                                              int32_t start_w,
                                              const cmsis_nn_dims *output_dims,
                                              int16_t *output);

/* edgeq_transpose_conv_s8 of edgeq_kernels.h for int16; one of the biases is null and the other says how wide sums are. */
arm_cmsis_nn_status edgeq_transpose_conv_s16(const cmsis_nn_conv_params *p,
                                             const int32_t *multipliers,
                                             const int32_t *shifts,
                                             const cmsis_nn_dims *input_dims,
                                             const int16_t *input,
                                             const cmsis_nn_dims *filter_dims,
                                             const int8_t *filters,
                                             const int32_t *narrow_bias,
                                             const int64_t *wide_bias,
                                             const cmsis_nn_dims *output_dims,
                                             int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
