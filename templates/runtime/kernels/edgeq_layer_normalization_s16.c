/* SPDX-License-Identifier: Apache-2.0 */
/* Normalization of rows of int16 by their mean and variance, or by their root mean square. */
#define EDGEQ_ELEMENT int16_t
#define EDGEQ_MAX_ROW (1 << 14)
#include "edgeq_normalization.h"
#include "edgeq_kernels_functions.h"

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
                                                  int16_t *output)
{
    return edgeq_normalize(input, rows, size, centre, in_offset, radicand_bits, epsilon, multipliers, shifts, offsets, step,
                           out_offset, output);
}
