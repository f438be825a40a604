/* SPDX-License-Identifier: Apache-2.0 */
/* Further functions of elements, of rows and of pairs; in edgeq_kernels.h's style. */
#ifndef EDGEQ_KERNELS_FUNCTIONS_H
#define EDGEQ_KERNELS_FUNCTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"
#include "edgeq_integer.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * x - max - log(sum of exp(x - max)) of each row, in 1/16 with the zero point 127. mult and shift bring a difference of
 * inputs to Q5.26, reverse_mult and reverse_shift back; exponentials of differences below diff_min count as 0. The output
 * may be the input. ARM_CMSIS_NN_ARG_ERROR: row_size outside 1 ... 4095.
 */
arm_cmsis_nn_status edgeq_log_softmax_s8(const int8_t *input,
                                         int32_t num_rows,
                                         int32_t row_size,
                                         int32_t mult,
                                         int32_t shift,
                                         int32_t reverse_mult,
                                         int32_t reverse_shift,
                                         int32_t diff_min,
                                         int8_t *output);

/*
 * Each row divided by its Euclidean length, in 1/128 with the zero point 0. The output may be the input.
 * ARM_CMSIS_NN_ARG_ERROR: row_size outside 1 ... 33025.
 */
arm_cmsis_nn_status edgeq_l2_normalization_s8(
    const int8_t *input, int32_t num_rows, int32_t row_size, int32_t in_offset, int8_t *output);

/*
 * Elementwise quotient with broadcasting. out_mult and out_shift (at most 23) are those of a quotient of integers. A
 * number divided by 0 is the limit on its side, 0 by 0 is 0. ARM_CMSIS_NN_ARG_ERROR: a rank out of range, a dimension
 * below 1.
 */
arm_cmsis_nn_status edgeq_div_s8(const int8_t *input_1_data,
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
 * Any function of one argument by its results for -32768 ... 32767 in steps of 128, interpolated. The output may be the
 * input. ARM_CMSIS_NN_ARG_ERROR: a negative size.
 */
arm_cmsis_nn_status edgeq_lookup_s16(const int16_t *input, int32_t size, const int16_t table[513], int16_t *output);

/* edgeq_layer_normalization_s8 for int16 and rows of 1 ... 2^14 elements. */
arm_cmsis_nn_status edgeq_layer_normalization_s16(const int16_t *input,
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
                                                  int16_t *output);

/* edgeq_causal_softmax_s8 for int16, by edgeq_softmax_s16 with its tables; what is not seen becomes 0. */
arm_cmsis_nn_status edgeq_causal_softmax_s16(const int16_t *input,
                                             int32_t rows,
                                             int32_t steps,
                                             int32_t row_size,
                                             int32_t mult,
                                             int32_t shift,
                                             const int16_t *exp_table,
                                             const int16_t *reciprocal_table,
                                             int16_t *output);

/* edgeq_prelu_s8 for int16; slopes are int8. */
arm_cmsis_nn_status edgeq_prelu_s16(const int16_t *input_1_data,
                                    const int8_t *input_2_data,
                                    int32_t rank,
                                    const int32_t *dims,
                                    const int32_t *strides_1,
                                    const int32_t *strides_2,
                                    int32_t input_1_offset,
                                    int32_t input_2_offset,
                                    int16_t *output,
                                    int32_t out_offset,
                                    int32_t mult_1,
                                    int32_t shift_1,
                                    int32_t mult_2,
                                    int32_t shift_2);

/*
 * Products over the reduced axes, for every index of the kept ones (rank 0 ... 6 each): the elements, in_offset added, are
 * multiplied in the order of the memory, each product scaled by mult and shift (at most 7), and the last one once more. No
 * partial product may leave 32 bits. ARM_CMSIS_NN_ARG_ERROR: a rank out of range, a dimension below 1.
 */
arm_cmsis_nn_status edgeq_reduce_prod_s8(const int8_t *input,
                                         int32_t kept_rank,
                                         const int32_t *kept_dims,
                                         const int32_t *kept_strides,
                                         int32_t reduced_rank,
                                         const int32_t *reduced_dims,
                                         const int32_t *reduced_strides,
                                         int32_t in_offset,
                                         int32_t mult,
                                         int32_t shift,
                                         int32_t out_offset,
                                         int8_t *output);
arm_cmsis_nn_status edgeq_reduce_prod_s16(const int16_t *input,
                                          int32_t kept_rank,
                                          const int32_t *kept_dims,
                                          const int32_t *kept_strides,
                                          int32_t reduced_rank,
                                          const int32_t *reduced_dims,
                                          const int32_t *reduced_strides,
                                          int32_t in_offset,
                                          int32_t mult,
                                          int32_t shift,
                                          int32_t out_offset,
                                          int16_t *output);

/*
 * Running sums along the middle axis of a tensor (outer, size, inner), from its end with `reverse`, without the element
 * itself with `exclusive`; they wrap around. The output may be the input. ARM_CMSIS_NN_ARG_ERROR: a size below 1.
 */
arm_cmsis_nn_status edgeq_cumsum(edgeq_type type,
                                 const void *input,
                                 int32_t outer,
                                 int32_t size,
                                 int32_t inner,
                                 bool exclusive,
                                 bool reverse,
                                 void *output);

/* The same of int8 and int16, in_offset added to every element and the sums requantized; they have to fit 32 bits. */
arm_cmsis_nn_status edgeq_cumsum_scaled(edgeq_type type,
                                        const void *input,
                                        int32_t outer,
                                        int32_t size,
                                        int32_t inner,
                                        bool exclusive,
                                        bool reverse,
                                        int32_t in_offset,
                                        int32_t mult,
                                        int32_t shift,
                                        int32_t out_offset,
                                        void *output);

#ifdef __cplusplus
}
#endif

#endif
