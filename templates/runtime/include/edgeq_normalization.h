/* SPDX-License-Identifier: Apache-2.0 */
/* Normalization of rows of EDGEQ_ELEMENT, at most EDGEQ_MAX_ROW of them: define both before including this. */
#ifndef EDGEQ_NORMALIZATION_H
#define EDGEQ_NORMALIZATION_H

#include "arm_nn_types.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_root.h"

enum { EDGEQ_NORMALIZED_BITS = 20, EDGEQ_SPARE_BITS = 8 };

static inline arm_cmsis_nn_status edgeq_normalize(const EDGEQ_ELEMENT *input,
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
                                                  EDGEQ_ELEMENT *output)
{
    const int32_t high = sizeof(EDGEQ_ELEMENT) == 1 ? INT8_MAX : INT16_MAX;
    const int32_t low = -high - 1;
    int32_t row, i;

    if (rows < 0 || size < 1 || size > EDGEQ_MAX_ROW || radicand_bits < 0 || radicand_bits > 20 || epsilon < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (row = 0; row < rows; ++row, input += size, output += size) {
        int32_t total = 0;
        int64_t squares = 0;
        int32_t drop;
        int64_t root;
        for (i = 0; i < size; ++i) {
            const int32_t x = input[i] + in_offset;
            total += x;
            squares += x * x;
        }
        total = centre != 0 ? total : 0;
        squares = squares * size - (int64_t)total * total; /* not negative: size^2 times the variance */
        root = edgeq_reciprocal_root(squares * ((int64_t)1 << radicand_bits) + epsilon, &drop);
        drop -= radicand_bits / 2 + EDGEQ_NORMALIZED_BITS;
        for (i = 0; i < size; ++i) {
            const int64_t product = ((input[i] + in_offset) * size - total) * root;
            const int32_t normalized = (int32_t)((product + ((int64_t)1 << (drop - 1))) >> drop);
            const int32_t y = edgeq_requantize(normalized, multipliers[i * step], shifts[i * step]) + offsets[i * step];
            output[i] = (EDGEQ_ELEMENT)edgeq_saturate(edgeq_divide_by_pot(y, EDGEQ_SPARE_BITS), out_offset, low, high);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
