/* SPDX-License-Identifier: Apache-2.0 */
/* One operand of a concatenation along the innermost axis. */
#include <string.h>

#include "arm_nnfunctions.h"

void arm_concatenation_s8_x(const int8_t *input,
                            const uint16_t input_x,
                            const uint16_t input_y,
                            const uint16_t input_z,
                            const uint16_t input_w,
                            int8_t *output,
                            const uint16_t output_x,
                            const uint32_t offset_x)
{
    const uint32_t rows = (uint32_t)input_y * input_z * input_w;
    uint32_t row;

    output += offset_x;
    for (row = 0; row < rows; ++row, input += input_x, output += output_x) {
        memcpy(output, input, input_x);
    }
}
