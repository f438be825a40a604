/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of int8 whose scales and zero points are found at run time, sums of them, and what turns one into the other; in
 * edgeq_kernels.h's style. Of blocks ranges, of sums scales are three and two int32 (edgeq_scales.h). All give
 * ARM_CMSIS_NN_SUCCESS, or ARM_CMSIS_NN_ARG_ERROR for sizes that make no sense.
 */
#ifndef EDGEQ_KERNELS_DYNAMIC_H
#define EDGEQ_KERNELS_DYNAMIC_H

#include <stdint.h>

#include "arm_nn_types.h"
#include "edgeq_kernels.h"
#include "edgeq_scales.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Convolution: sums requantized per channel to one scale, and the bias, which comes in at that scale. A dense layer is a
 * convolution of rows of 1x1 pixels. Of conv_params the activation and the offsets mean nothing. ctx->buf: an int32 for
 * each output channel.
 */
arm_cmsis_nn_status edgeq_dynamic_convolve_s8(const cmsis_nn_context *ctx,
                                              const cmsis_nn_conv_params *conv_params,
                                              const cmsis_nn_per_channel_quant_params *quant_params,
                                              const edgeq_sum_scale *sum_scale,
                                              const cmsis_nn_dims *input_dims,
                                              const int8_t *input,
                                              const int32_t *input_range,
                                              const cmsis_nn_dims *filter_dims,
                                              const int8_t *filter,
                                              const int32_t *bias,
                                              const cmsis_nn_dims *output_dims,
                                              int32_t *output,
                                              int32_t *output_scale);

/* The transposed convolution; the padding is that of its windows in the output. */
arm_cmsis_nn_status edgeq_dynamic_transpose_conv_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_conv_params *conv_params,
                                                    const cmsis_nn_per_channel_quant_params *quant_params,
                                                    const edgeq_sum_scale *sum_scale,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input,
                                                    const int32_t *input_range,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int8_t *filter,
                                                    const int32_t *bias,
                                                    const cmsis_nn_dims *output_dims,
                                                    int32_t *output,
                                                    int32_t *output_scale);

/* Depthwise: filters for each channel. ctx->buf: two int32 for each output channel. */
arm_cmsis_nn_status edgeq_dynamic_depthwise_conv_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_dw_conv_params *dw_conv_params,
                                                    const cmsis_nn_per_channel_quant_params *quant_params,
                                                    const edgeq_sum_scale *sum_scale,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input,
                                                    const int32_t *input_range,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int8_t *filter,
                                                    const int32_t *bias,
                                                    const cmsis_nn_dims *output_dims,
                                                    int32_t *output,
                                                    int32_t *output_scale);

/* a + sign * b with broadcasting, at the larger scale times 2^-20. */
arm_cmsis_nn_status edgeq_dynamic_add_s8(const int8_t *input_1,
                                         const int32_t *range_1,
                                         const int8_t *input_2,
                                         const int32_t *range_2,
                                         int32_t rank,
                                         const int32_t *dims,
                                         const int32_t *strides_1,
                                         const int32_t *strides_2,
                                         int32_t sign,
                                         int32_t *output,
                                         int32_t *output_scale);

/* The larger of both with broadcasting, the smaller where sign is -1, at the larger scale times 2^-20. */
arm_cmsis_nn_status edgeq_dynamic_extreme_s8(const int8_t *input_1,
                                             const int32_t *range_1,
                                             const int8_t *input_2,
                                             const int32_t *range_2,
                                             int32_t rank,
                                             const int32_t *dims,
                                             const int32_t *strides_1,
                                             const int32_t *strides_2,
                                             int32_t sign,
                                             int32_t *output,
                                             int32_t *output_scale);

/* sign * a * b with broadcasting, at the product of the scales. */
arm_cmsis_nn_status edgeq_dynamic_mul_s8(const int8_t *input_1,
                                         const int32_t *range_1,
                                         const int8_t *input_2,
                                         const int32_t *range_2,
                                         int32_t rank,
                                         const int32_t *dims,
                                         const int32_t *strides_1,
                                         const int32_t *strides_2,
                                         int32_t sign,
                                         int32_t *output,
                                         int32_t *output_scale);

/* Products of matrices, exact, at the product of the scales. Of p offsets and what is said of the output mean nothing. */
arm_cmsis_nn_status edgeq_dynamic_batch_matmul_s8(const edgeq_batch_matmul_params *p,
                                                  const int8_t *input_1,
                                                  const int32_t *range_1,
                                                  const int8_t *input_2,
                                                  const int32_t *range_2,
                                                  int32_t *output,
                                                  int32_t *output_scale);

/* Sums of `count` elements over any set of axes, at the block's scale times `unit`. */
arm_cmsis_nn_status edgeq_dynamic_mean_s8(const int8_t *input,
                                          const int32_t *input_range,
                                          int32_t kept_rank,
                                          const int32_t *kept_dims,
                                          const int32_t *kept_strides,
                                          int32_t reduced_rank,
                                          const int32_t *reduced_dims,
                                          const int32_t *reduced_strides,
                                          int32_t count,
                                          edgeq_scale unit,
                                          int32_t *output,
                                          int32_t *output_scale);

/*
 * A function of each element, by `count` straight pieces (edgeq's ops/straight_pieces.py): four int32 each, the first
 * beginning at INT32_MIN; at the scale 2^-16. ctx->buf: 256 int32.
 */
arm_cmsis_nn_status edgeq_dynamic_function_s8(const cmsis_nn_context *ctx,
                                              const int8_t *input,
                                              const int32_t *input_range,
                                              int32_t size,
                                              const int32_t *pieces,
                                              int32_t count,
                                              int32_t *output,
                                              int32_t *output_scale);

/* Blocks that one of edgeq_dynamic_concatenation_s8 joins: rows of row_size elements each. */
typedef struct {
    const int8_t *input;
    const int32_t *range;
    int32_t row_size;
} edgeq_dynamic_part;

/* `rows` rows of every part in turn, at the largest of their scales times 2^-20. */
arm_cmsis_nn_status edgeq_dynamic_concatenation_s8(
    const edgeq_dynamic_part *parts, int32_t count, int32_t rows, int32_t *output, int32_t *output_scale);

/* Sums to a block that uses all of int8. It may begin where the sums do. */
arm_cmsis_nn_status edgeq_dynamic_quantize_s32(const int32_t *input,
                                               const int32_t *input_scale,
                                               int32_t size,
                                               const edgeq_bounds *bounds,
                                               const edgeq_block_range *range,
                                               int8_t *output,
                                               int32_t *output_range);

/*
 * The sums of edgeq_dynamic_convolve_s8 and edgeq_dynamic_depthwise_conv_s8, and the block that edgeq_dynamic_quantize_s32
 * makes of them. ctx->buf: all sums, and what their kernel needs.
 */
arm_cmsis_nn_status edgeq_dynamic_ranged_convolve_s8(const cmsis_nn_context *ctx,
                                                     const cmsis_nn_conv_params *conv_params,
                                                     const cmsis_nn_per_channel_quant_params *quant_params,
                                                     const edgeq_sum_scale *sum_scale,
                                                     const edgeq_bounds *bounds,
                                                     const edgeq_block_range *range,
                                                     const cmsis_nn_dims *input_dims,
                                                     const int8_t *input,
                                                     const int32_t *input_range,
                                                     const cmsis_nn_dims *filter_dims,
                                                     const int8_t *filter,
                                                     const int32_t *bias,
                                                     const cmsis_nn_dims *output_dims,
                                                     int8_t *output,
                                                     int32_t *output_range);

arm_cmsis_nn_status edgeq_dynamic_ranged_depthwise_conv_s8(const cmsis_nn_context *ctx,
                                                           const cmsis_nn_dw_conv_params *dw_conv_params,
                                                           const cmsis_nn_per_channel_quant_params *quant_params,
                                                           const edgeq_sum_scale *sum_scale,
                                                           const edgeq_bounds *bounds,
                                                           const edgeq_block_range *range,
                                                           const cmsis_nn_dims *input_dims,
                                                           const int8_t *input,
                                                           const int32_t *input_range,
                                                           const cmsis_nn_dims *filter_dims,
                                                           const int8_t *filter,
                                                           const int32_t *bias,
                                                           const cmsis_nn_dims *output_dims,
                                                           int8_t *output,
                                                           int32_t *output_range);

/*
 * The same in two passes, without groups: two output channels and more for cores with the DSP extension and for those
 * without it, four and more for cores with the vector extension; depthwise, one output channel for
 * each, and channels in fours where a core has one of these extensions. packed: edgeq's kernels/dynamic_ranged.py.
 * ctx->buf: four int32 for each channel; behind them windows: four of int16, then one of int8; a stream of two, then two
 * of int8; one of int8.
 */
arm_cmsis_nn_status edgeq_dynamic_ranged_convolve_dsp_s8(const cmsis_nn_context *ctx,
                                                         const cmsis_nn_conv_params *conv_params,
                                                         const cmsis_nn_per_channel_quant_params *quant_params,
                                                         const edgeq_sum_scale *sum_scale,
                                                         const edgeq_bounds *bounds,
                                                         const edgeq_block_range *range,
                                                         const cmsis_nn_dims *input_dims,
                                                         const int8_t *input,
                                                         const int32_t *input_range,
                                                         const cmsis_nn_dims *filter_dims,
                                                         const int32_t *packed,
                                                         const int32_t *bias,
                                                         const cmsis_nn_dims *output_dims,
                                                         int8_t *output,
                                                         int32_t *output_range);

arm_cmsis_nn_status edgeq_dynamic_ranged_convolve_lanes_s8(const cmsis_nn_context *ctx,
                                                           const cmsis_nn_conv_params *conv_params,
                                                           const cmsis_nn_per_channel_quant_params *quant_params,
                                                           const edgeq_sum_scale *sum_scale,
                                                           const edgeq_bounds *bounds,
                                                           const edgeq_block_range *range,
                                                           const cmsis_nn_dims *input_dims,
                                                           const int8_t *input,
                                                           const int32_t *input_range,
                                                           const cmsis_nn_dims *filter_dims,
                                                           const int32_t *packed,
                                                           const int32_t *bias,
                                                           const cmsis_nn_dims *output_dims,
                                                           int8_t *output,
                                                           int32_t *output_range);

arm_cmsis_nn_status edgeq_dynamic_ranged_convolve_mve_s8(const cmsis_nn_context *ctx,
                                                         const cmsis_nn_conv_params *conv_params,
                                                         const cmsis_nn_per_channel_quant_params *quant_params,
                                                         const edgeq_sum_scale *sum_scale,
                                                         const edgeq_bounds *bounds,
                                                         const edgeq_block_range *range,
                                                         const cmsis_nn_dims *input_dims,
                                                         const int8_t *input,
                                                         const int32_t *input_range,
                                                         const cmsis_nn_dims *filter_dims,
                                                         const int32_t *packed,
                                                         const int32_t *bias,
                                                         const cmsis_nn_dims *output_dims,
                                                         int8_t *output,
                                                         int32_t *output_range);

arm_cmsis_nn_status edgeq_dynamic_ranged_depthwise_conv_words_s8(const cmsis_nn_context *ctx,
                                                                 const cmsis_nn_dw_conv_params *dw_conv_params,
                                                                 const cmsis_nn_per_channel_quant_params *quant_params,
                                                                 const edgeq_sum_scale *sum_scale,
                                                                 const edgeq_bounds *bounds,
                                                                 const edgeq_block_range *range,
                                                                 const cmsis_nn_dims *input_dims,
                                                                 const int8_t *input,
                                                                 const int32_t *input_range,
                                                                 const cmsis_nn_dims *filter_dims,
                                                                 const int32_t *packed,
                                                                 const int32_t *bias,
                                                                 const cmsis_nn_dims *output_dims,
                                                                 int8_t *output,
                                                                 int32_t *output_range);

arm_cmsis_nn_status edgeq_dynamic_ranged_depthwise_conv_fours_s8(const cmsis_nn_context *ctx,
                                                                 const cmsis_nn_dw_conv_params *dw_conv_params,
                                                                 const cmsis_nn_per_channel_quant_params *quant_params,
                                                                 const edgeq_sum_scale *sum_scale,
                                                                 const edgeq_bounds *bounds,
                                                                 const edgeq_block_range *range,
                                                                 const cmsis_nn_dims *input_dims,
                                                                 const int8_t *input,
                                                                 const int32_t *input_range,
                                                                 const cmsis_nn_dims *filter_dims,
                                                                 const int32_t *packed,
                                                                 const int32_t *bias,
                                                                 const cmsis_nn_dims *output_dims,
                                                                 int8_t *output,
                                                                 int32_t *output_range);

/*
 * Sums to a block at a scale of 2^state[0], which follows the inferences: up as soon as something saturates, down after
 * `patience` quieter ones. `largest` is the largest integer, of so many bits. The state: the level (INT32_MIN at first),
 * the quiet inferences so far, the highest level that one of them needed, the saturated elements of the last one. The
 * block may begin where the sums do.
 */
arm_cmsis_nn_status edgeq_adaptive_quantize_s32(const int32_t *input,
                                                const int32_t *input_scale,
                                                int32_t *state,
                                                int32_t size,
                                                const edgeq_bounds *bounds,
                                                int32_t largest,
                                                int32_t largest_bits,
                                                int32_t patience,
                                                int32_t output_offset,
                                                int8_t *output,
                                                int32_t *output_range);

/* A block, or sums, in steps of 2^exponent, saturated: from one of two types to one of two others. */
arm_cmsis_nn_status edgeq_dynamic_dequantize_s8_s16(const int8_t *input, const int32_t *input_range, int32_t size,
                                                    const edgeq_bounds *bounds, int32_t exponent, int16_t *output);
arm_cmsis_nn_status edgeq_dynamic_dequantize_s8_s32(const int8_t *input, const int32_t *input_range, int32_t size,
                                                    const edgeq_bounds *bounds, int32_t exponent, int32_t *output);
arm_cmsis_nn_status edgeq_dynamic_dequantize_s32_s16(const int32_t *input, const int32_t *input_scale, int32_t size,
                                                     const edgeq_bounds *bounds, int32_t exponent, int16_t *output);
arm_cmsis_nn_status edgeq_dynamic_dequantize_s32_s32(const int32_t *input, const int32_t *input_scale, int32_t size,
                                                     const edgeq_bounds *bounds, int32_t exponent, int32_t *output);

#ifdef __cplusplus
}
#endif

#endif
