/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax of int8 with results of int16. */
#define EDGEQ_OUTPUT int16_t
#include "edgeq_softmax.h"

void arm_softmax_s8_s16(const int8_t *input,
                        const int32_t num_rows,
                        const int32_t row_size,
                        const int32_t mult,
                        const int32_t shift,
                        const int32_t diff_min,
                        int16_t *output)
{
    edgeq_softmax(input, num_rows, row_size, mult, shift, diff_min, output);
}
