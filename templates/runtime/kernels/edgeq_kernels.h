/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels that CMSIS-NN lacks, in its calling style. Tensors are int8. Offsets of inputs are negated zero points, offsets
 * of outputs zero points. Multipliers, shifts and the two ways to round are those of edgeq_fixedpoint.h; accumulators
 * are int32 and callers make sure that they do not overflow. Strides count elements.
 */
#ifndef EDGEQ_KERNELS_H
#define EDGEQ_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"
#include "edgeq_integer.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * output[i] = table[input[i] + 128]: any function of one int8 argument. The output may be the input.
 * ARM_CMSIS_NN_ARG_ERROR: negative size.
 */
arm_cmsis_nn_status edgeq_lookup_s8(const int8_t *input, int32_t size, const int8_t table[256], int8_t *output);

/*
 * Strided copy to a dense output of shape dims[0 ... rank - 1] (rank 0 ... 8, the last axis innermost): along axis a,
 * the input advances by strides[a], which may be negative or 0. input is the first element. The buffers must not
 * overlap. ARM_CMSIS_NN_ARG_ERROR: a rank out of range, a dimension below 1.
 */
arm_cmsis_nn_status edgeq_copy_s8(const int8_t *input,
                                  int32_t rank,
                                  const int32_t *dims,
                                  const int32_t *strides,
                                  int8_t *output);

/*
 * Dense output of blocks of `block` elements, one per index of dims[0 ... rank - 1] (rank 0 ... 6, the last axis
 * innermost). A block's place in the input is the sum of one offset per axis; offsets holds dims[a] of them for each
 * axis a, axis after axis. The buffers must not overlap.
 * ARM_CMSIS_NN_ARG_ERROR: a rank out of range, a dimension or block below 1.
 */
arm_cmsis_nn_status edgeq_gather_s8(const int8_t *input,
                                    int32_t rank,
                                    const int32_t *dims,
                                    const int32_t *offsets,
                                    int32_t block,
                                    int8_t *output);

/*
 * arm_fully_connected_wrapper_s8, with the accumulator requantized by one rounding (ties up) as LiteRT 2.x does.
 * Shapes, null bias and refusals as there; no scratch.
 */
arm_cmsis_nn_status edgeq_fully_connected_single_rounding_s8(const cmsis_nn_fc_params *fc_params,
                                                             const cmsis_nn_quant_params *quant_params,
                                                             const cmsis_nn_dims *input_dims,
                                                             const int8_t *input_data,
                                                             const cmsis_nn_dims *filter_dims,
                                                             const int8_t *filter_data,
                                                             const cmsis_nn_dims *bias_dims,
                                                             const int32_t *bias_data,
                                                             const cmsis_nn_dims *output_dims,
                                                             int8_t *output_data);

/*
 * Sum with broadcasting: arm_elementwise_add_s8 over a dense output of shape dims[0 ... rank - 1] (rank 0 ... 6, the
 * last axis innermost); along axis a, input i advances by strides_i[a], 0 where it is repeated. The output may be an
 * input that is dense and not repeated. ARM_CMSIS_NN_ARG_ERROR: a rank out of range, a dimension below 1.
 */
arm_cmsis_nn_status edgeq_add_broadcast_s8(const int8_t *input_1_data,
                                           const int8_t *input_2_data,
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
                                           int8_t *output,
                                           int32_t out_offset,
                                           int32_t out_mult,
                                           int32_t out_shift,
                                           int32_t out_activation_min,
                                           int32_t out_activation_max);

/*
 * Difference with broadcasting, input 1 minus input 2; as above otherwise. Multipliers are positive: each input is
 * requantized first and then subtracted, as TFLite does.
 */
arm_cmsis_nn_status edgeq_sub_broadcast_s8(const int8_t *input_1_data,
                                           const int8_t *input_2_data,
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
                                           int8_t *output,
                                           int32_t out_offset,
                                           int32_t out_mult,
                                           int32_t out_shift,
                                           int32_t out_activation_min,
                                           int32_t out_activation_max);

/* Product with broadcasting: arm_elementwise_mul_s8; shapes, strides and refusals as above. */
arm_cmsis_nn_status edgeq_mul_broadcast_s8(const int8_t *input_1_data,
                                           const int8_t *input_2_data,
                                           int32_t rank,
                                           const int32_t *dims,
                                           const int32_t *strides_1,
                                           const int32_t *strides_2,
                                           int32_t input_1_offset,
                                           int32_t input_2_offset,
                                           int8_t *output,
                                           int32_t out_offset,
                                           int32_t out_mult,
                                           int32_t out_shift,
                                           int32_t out_activation_min,
                                           int32_t out_activation_max);

/*
 * Mean over any set of axes. The kept axes (kept_rank of them, 0 ... 6) in the output's order and the reduced ones
 * (0 ... 6, in any order) are given by their sizes and their strides in the input. For each output:
 *
 *   limited to int8(requantized(sum + sum_offset) + out_offset)
 *
 * sum_offset is the number of elements averaged times the negated zero point of the input; the division by that
 * number is part of out_mult and out_shift. Rounds twice. ARM_CMSIS_NN_ARG_ERROR: a rank out of range, a dimension
 * below 1.
 */
arm_cmsis_nn_status edgeq_mean_s8(const int8_t *input,
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
                                  int8_t *output);

/*
 * The smaller, the larger of two elements, which share scale and zero point. Broadcasting, in-place use and refusals
 * as in edgeq_add_broadcast_s8.
 */
arm_cmsis_nn_status edgeq_minimum_s8(const int8_t *input_1_data,
                                     const int8_t *input_2_data,
                                     int32_t rank,
                                     const int32_t *dims,
                                     const int32_t *strides_1,
                                     const int32_t *strides_2,
                                     int8_t *output);

arm_cmsis_nn_status edgeq_maximum_s8(const int8_t *input_1_data,
                                     const int8_t *input_2_data,
                                     int32_t rank,
                                     const int32_t *dims,
                                     const int32_t *strides_1,
                                     const int32_t *strides_2,
                                     int8_t *output);

/*
 * The square of the difference of two elements, both requantized to one scale first. Broadcasting, in-place use and
 * refusals as in edgeq_add_broadcast_s8.
 */
arm_cmsis_nn_status edgeq_squared_difference_s8(const int8_t *input_1_data,
                                                const int8_t *input_2_data,
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
                                                int8_t *output,
                                                int32_t out_offset,
                                                int32_t out_mult,
                                                int32_t out_shift);

/*
 * Input 1 where it is not below its zero point, else its product with input 2, the slope. mult_1, shift_1 bring the
 * input to the output's scale, mult_2, shift_2 the product. Broadcasting, in-place use and refusals as in
 * edgeq_add_broadcast_s8.
 */
arm_cmsis_nn_status edgeq_prelu_s8(const int8_t *input_1_data,
                                   const int8_t *input_2_data,
                                   int32_t rank,
                                   const int32_t *dims,
                                   const int32_t *strides_1,
                                   const int32_t *strides_2,
                                   int32_t input_1_offset,
                                   int32_t input_2_offset,
                                   int8_t *output,
                                   int32_t out_offset,
                                   int32_t mult_1,
                                   int32_t shift_1,
                                   int32_t mult_2,
                                   int32_t shift_2);

/*
 * The largest, the smallest element along the reduced axes; axes and refusals as in edgeq_mean_s8.
 */
arm_cmsis_nn_status edgeq_reduce_max_s8(const int8_t *input,
                                        int32_t kept_rank,
                                        const int32_t *kept_dims,
                                        const int32_t *kept_strides,
                                        int32_t reduced_rank,
                                        const int32_t *reduced_dims,
                                        const int32_t *reduced_strides,
                                        int8_t *output);

arm_cmsis_nn_status edgeq_reduce_min_s8(const int8_t *input,
                                        int32_t kept_rank,
                                        const int32_t *kept_dims,
                                        const int32_t *kept_strides,
                                        int32_t reduced_rank,
                                        const int32_t *reduced_dims,
                                        const int32_t *reduced_strides,
                                        int8_t *output);

/*
 * Image scaled with linear interpolation: pixel (y, x) of the output lies at (y * scale_h + start_h,
 * x * scale_w + start_w) of the input, in 1/1024 pixels; those outside lie on the border or are extrapolated from it.
 * Sums are rounded to nearest, ties away from zero. All positions fit an int32. The buffers must not overlap.
 * ARM_CMSIS_NN_ARG_ERROR: batches or channels differ, an empty image.
 */
arm_cmsis_nn_status edgeq_resize_bilinear_s8(const cmsis_nn_dims *input_dims,
                                             const int8_t *input,
                                             int32_t scale_h,
                                             int32_t scale_w,
                                             int32_t start_h,
                                             int32_t start_w,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output);

/*
 * Plain integers: kernels in which the type of the elements is an argument, see edgeq_integer.h.
 */

/*
 * Both operands are of `type`. A division by 0 gives 0. Broadcasting and refusals as in edgeq_add_broadcast_s8; the
 * output may be an input of its own type that is dense and not repeated.
 */
arm_cmsis_nn_status edgeq_integer_pairwise(edgeq_pairwise op,
                                           edgeq_type type,
                                           const void *input_1_data,
                                           const void *input_2_data,
                                           int32_t rank,
                                           const int32_t *dims,
                                           const int32_t *strides_1,
                                           const int32_t *strides_2,
                                           edgeq_type output_type,
                                           void *output);

/*
 * A comparison of two quantized numbers of 8 or 16 bits, both shifted left and requantized to one scale first.
 * Broadcasting and refusals as in edgeq_add_broadcast_s8, and in-place use where elements are bytes.
 * ARM_CMSIS_NN_ARG_ERROR also: not a comparison.
 */
arm_cmsis_nn_status edgeq_compare(edgeq_pairwise op,
                                  edgeq_type type,
                                  const void *input_1_data,
                                  const void *input_2_data,
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
                                  uint8_t *output);

/* output[i] = !input[i]. The output may be the input. ARM_CMSIS_NN_ARG_ERROR: negative size. */
arm_cmsis_nn_status edgeq_logical_not(const uint8_t *input, int32_t size, uint8_t *output);

/*
 * Elements of input 1 where the condition is not 0, else of input 2, each of so many bytes. Broadcasting, in-place use
 * and refusals as in edgeq_add_broadcast_s8; strides_0 are those of the condition.
 */
arm_cmsis_nn_status edgeq_select(const uint8_t *condition,
                                 const void *input_1_data,
                                 const void *input_2_data,
                                 int32_t element_bytes,
                                 int32_t rank,
                                 const int32_t *dims,
                                 const int32_t *strides_0,
                                 const int32_t *strides_1,
                                 const int32_t *strides_2,
                                 void *output);

/*
 * The index of the largest or the smallest element, the first of equals, along the middle axis of a tensor (outer,
 * size, inner). ARM_CMSIS_NN_ARG_ERROR: a dimension below 1.
 */
arm_cmsis_nn_status edgeq_arg_extreme(bool largest,
                                      edgeq_type type,
                                      const void *input,
                                      int32_t outer,
                                      int32_t size,
                                      int32_t inner,
                                      edgeq_type output_type,
                                      void *output);

/* The same values in another type, their lowest bits where it is narrower. ARM_CMSIS_NN_ARG_ERROR: negative size. */
arm_cmsis_nn_status
edgeq_cast(edgeq_type type, const void *input, int32_t size, edgeq_type output_type, void *output);

/*
 * Products of matrices with broadcasting batch axes:
 *
 *   output[..., i, j] = limited to int8(requantized(sum over k of (input_1[..., i, k] + offset_1) *
 *                                                                 (input_2[..., k, j] + offset_2)) + out_offset)
 *
 * The output is dense, rows times columns behind rank (0 ... 6) batch axes of sizes dims. strides_1, strides_2: of the
 * inputs along the batch axes, 0 where one is repeated; row_1, depth_1, depth_2, column_2: along the matrices' axes.
 * Rounds twice. ARM_CMSIS_NN_ARG_ERROR: a rank or a size out of range.
 */
typedef struct {
    int32_t rank;
    const int32_t *dims;
    const int32_t *strides_1;
    const int32_t *strides_2;
    int32_t rows;
    int32_t depth;
    int32_t columns;
    int32_t row_1;
    int32_t depth_1;
    int32_t depth_2;
    int32_t column_2;
    int32_t offset_1;
    int32_t offset_2;
    int32_t out_mult;
    int32_t out_shift;
    int32_t out_offset;
} edgeq_batch_matmul_params;

arm_cmsis_nn_status edgeq_batch_matmul_s8(const edgeq_batch_matmul_params *p,
                                          const int8_t *input_1,
                                          const int8_t *input_2,
                                          int8_t *output);

/*
 * Transposed convolution: the input at (y, x) adds its multiple of the filters to the outputs from (y, x) * stride -
 * padding on. filters: (filter_dims->n output channels, h, w, c input channels). Rounds twice. The output may not be
 * the input. ARM_CMSIS_NN_ARG_ERROR: a stride below 1, channels that do not fit.
 */
arm_cmsis_nn_status edgeq_transpose_conv_s8(const cmsis_nn_conv_params *p,
                                            const int32_t *multipliers,
                                            const int32_t *shifts,
                                            const cmsis_nn_dims *input_dims,
                                            const int8_t *input,
                                            const cmsis_nn_dims *filter_dims,
                                            const int8_t *filters,
                                            const int32_t *bias,
                                            const cmsis_nn_dims *output_dims,
                                            int8_t *output);

/*
 * Normalization of rows of size (1 ... 2^16) elements x + in_offset by their mean and variance, or without centre by
 * their root mean square; epsilon, 1 ... 2^61, is that of the variance times size^2 / scale^2,
 * with radicand_bits (even, 0 ... 20) fractional bits; with it the largest sum has to stay below 2^62. The normalized element,
 * with 20 fractional bits, is requantized to 2^-8 steps of the output, an offset in such steps added, and rounded.
 * multipliers (may be negative), shifts, offsets: one for each element of a row (step 1) or one for all (step 0). The
 * output may be the input. ARM_CMSIS_NN_ARG_ERROR: sizes or epsilon out of range.
 */
arm_cmsis_nn_status edgeq_layer_normalization_s8(const int8_t *input,
                                                 int32_t rows,
                                                 int32_t size,
                                                 int32_t centre,
                                                 int32_t in_offset,
                                                 int32_t radicand_bits,
                                                 int64_t epsilon,
                                                 const int32_t *multipliers,
                                                 const int32_t *shifts,
                                                 const int32_t *offsets,
                                                 int32_t step,
                                                 int32_t out_offset,
                                                 int8_t *output);

/*
 * arm_softmax_s8 of the first i + 1 elements of row i of each matrix (steps rows of row_size elements; rows counts those
 * of all matrices); what lies behind them becomes 0, the integer -128. The output may be the input.
 * ARM_CMSIS_NN_ARG_ERROR: steps or row_size below 1.
 */
arm_cmsis_nn_status edgeq_causal_softmax_s8(const int8_t *input,
                                            int32_t rows,
                                            int32_t steps,
                                            int32_t row_size,
                                            int32_t mult,
                                            int32_t shift,
                                            int32_t diff_min,
                                            int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
