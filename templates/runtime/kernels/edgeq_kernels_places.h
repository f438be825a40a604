/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels that put elements to computed places or take them from there, and sums of many; in edgeq_kernels.h's style. */
#ifndef EDGEQ_KERNELS_PLACES_H
#define EDGEQ_KERNELS_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"
#include "edgeq_integer.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The other way round than edgeq_gather_s8: blocks of a dense input, one per index of dims[0 ... rank - 1], are copied
 * to the places in the output that the sum of one offset per axis names. The other elements of the output, of `size`
 * in all, become value. The caller makes sure that every place lies within. The buffers must not overlap.
 * ARM_CMSIS_NN_ARG_ERROR: a rank out of range, a dimension or block below 1, an output smaller than a block.
 */
arm_cmsis_nn_status edgeq_scatter_s8(const int8_t *input,
                                     int32_t rank,
                                     const int32_t *dims,
                                     const int32_t *offsets,
                                     int32_t block,
                                     int8_t *output,
                                     int32_t size,
                                     int8_t value);

/*
 * Of each of `outer` tables of `rows` rows, `block` bytes each, the `count` rows that the indices name. An index that the
 * table does not have is the nearest one that it has: nothing outside is ever read. The buffers must not overlap.
 * ARM_CMSIS_NN_ARG_ERROR: outer, rows or block below 1, a negative count.
 */
arm_cmsis_nn_status edgeq_rows(const int8_t *tables,
                               int32_t outer,
                               int32_t rows,
                               int32_t block,
                               const void *indices,
                               edgeq_type index_type,
                               int32_t count,
                               int8_t *output);

/*
 * Blocks of `block` bytes of a tensor whose first `depth` axes have the sizes dims, for `count` places of `depth` indices
 * each. An index that an axis does not have is the nearest one that it has. The buffers must not overlap.
 * ARM_CMSIS_NN_ARG_ERROR: a depth out of 1 ... 6, a dimension or block below 1, a negative count.
 */
arm_cmsis_nn_status edgeq_gather_nd(const int8_t *input,
                                    int32_t depth,
                                    const int32_t *dims,
                                    int32_t block,
                                    const void *indices,
                                    edgeq_type index_type,
                                    int32_t count,
                                    int8_t *output);

/*
 * The k largest elements of each row, the largest first, of equals the one that stands first, and their places in the row.
 * The buffers must not overlap. ARM_CMSIS_NN_ARG_ERROR: a count below 1, k above size.
 */
arm_cmsis_nn_status edgeq_topk(edgeq_type type,
                               const void *input,
                               int32_t rows,
                               int32_t size,
                               int32_t k,
                               void *values,
                               int32_t *places);

/*
 * Blocks of a tensor (outer, first, middle, second, block bytes): along `second` if steps_last, else along `first`, so many
 * steps backwards as lengths says for each index of the other axis; none for a negative length, at most all. The buffers
 * must not overlap. ARM_CMSIS_NN_ARG_ERROR: a size below 1.
 */
arm_cmsis_nn_status edgeq_reverse_sequence(const int8_t *input,
                                           int32_t outer,
                                           int32_t first,
                                           int32_t middle,
                                           int32_t second,
                                           int32_t block,
                                           bool steps_last,
                                           const void *lengths,
                                           edgeq_type length_type,
                                           int8_t *output);

/*
 * (outer, depth, inner) of indices (outer, inner): the second of two values where an index is the place along the axis of
 * `depth`, else the first. The buffers must not overlap. ARM_CMSIS_NN_ARG_ERROR: a size below 1.
 */
arm_cmsis_nn_status edgeq_one_hot(const void *indices,
                                  edgeq_type index_type,
                                  int32_t outer,
                                  int32_t depth,
                                  int32_t inner,
                                  const void *values,
                                  edgeq_type type,
                                  void *output);

/* arm_pad_s8 for int16: sizes count elements. */
arm_cmsis_nn_status edgeq_pad_s16(const int16_t *input,
                                  int16_t *output,
                                  int16_t pad_value,
                                  const cmsis_nn_dims *input_size,
                                  const cmsis_nn_dims *pre_pad,
                                  const cmsis_nn_dims *post_pad);

/*
 * Sums over the reduced axes, for every index of the kept ones (rank 0 ... 6 each), as -128 and one more for each of
 * the 255 ascending thresholds that the sum reaches. ARM_CMSIS_NN_ARG_ERROR: a rank out of range, a dimension below 1.
 */
arm_cmsis_nn_status edgeq_sum_s8(const int8_t *input,
                                 int32_t kept_rank,
                                 const int32_t *kept_dims,
                                 const int32_t *kept_strides,
                                 int32_t reduced_rank,
                                 const int32_t *reduced_dims,
                                 const int32_t *reduced_strides,
                                 const int32_t thresholds[255],
                                 int8_t *output);

/*
 * Whether all, or any, of the bools along the reduced axes hold, for every index of the kept ones (rank 0 ... 6 each).
 * ARM_CMSIS_NN_ARG_ERROR: a rank out of range, a dimension below 1.
 */
arm_cmsis_nn_status edgeq_reduce_all(const uint8_t *input,
                                     int32_t kept_rank,
                                     const int32_t *kept_dims,
                                     const int32_t *kept_strides,
                                     int32_t reduced_rank,
                                     const int32_t *reduced_dims,
                                     const int32_t *reduced_strides,
                                     uint8_t *output);

arm_cmsis_nn_status edgeq_reduce_any(const uint8_t *input,
                                     int32_t kept_rank,
                                     const int32_t *kept_dims,
                                     const int32_t *kept_strides,
                                     int32_t reduced_rank,
                                     const int32_t *reduced_dims,
                                     const int32_t *reduced_strides,
                                     uint8_t *output);

#ifdef __cplusplus
}
#endif

#endif
