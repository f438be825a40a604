/* SPDX-License-Identifier: Apache-2.0 */
/* Constant padding of int16 on all four axes. */
#include <string.h>

#include "edgeq_kernels_places.h"

static int16_t *fill(int16_t *to, int16_t value, int32_t count)
{
    int32_t i;

    for (i = 0; i < count; ++i) {
        to[i] = value;
    }
    return to + count;
}

arm_cmsis_nn_status edgeq_pad_s16(const int16_t *input,
                                  int16_t *output,
                                  int16_t pad_value,
                                  const cmsis_nn_dims *input_size,
                                  const cmsis_nn_dims *pre_pad,
                                  const cmsis_nn_dims *post_pad)
{
    /* sizes of one element of the output's axes w, h and n */
    const int32_t pixel = pre_pad->c + input_size->c + post_pad->c;
    const int32_t row = (pre_pad->w + input_size->w + post_pad->w) * pixel;
    const int32_t image = (pre_pad->h + input_size->h + post_pad->h) * row;
    int32_t n, y, x;

    output = fill(output, pad_value, pre_pad->n * image);
    for (n = 0; n < input_size->n; ++n) {
        output = fill(output, pad_value, pre_pad->h * row);
        for (y = 0; y < input_size->h; ++y) {
            output = fill(output, pad_value, pre_pad->w * pixel);
            for (x = 0; x < input_size->w; ++x) {
                output = fill(output, pad_value, pre_pad->c);
                memcpy(output, input, (size_t)input_size->c * sizeof(int16_t));
                output = fill(output + input_size->c, pad_value, post_pad->c);
                input += input_size->c;
            }
            output = fill(output, pad_value, post_pad->w * pixel);
        }
        output = fill(output, pad_value, post_pad->h * row);
    }
    (void)fill(output, pad_value, post_pad->n * image);
    return ARM_CMSIS_NN_SUCCESS;
}
