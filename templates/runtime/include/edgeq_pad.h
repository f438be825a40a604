/* SPDX-License-Identifier: Apache-2.0 */
/* Constant padding on all four axes, of EDGEQ_ELEMENT: define it before including this. */
#ifndef EDGEQ_PAD_H
#define EDGEQ_PAD_H

#include <string.h>

#include "arm_nn_types.h"

/* Returns to + count. */
static inline EDGEQ_ELEMENT *edgeq_fill(EDGEQ_ELEMENT *to, EDGEQ_ELEMENT value, int32_t count)
{
    int32_t i;

    for (i = 0; i < count; ++i) {
        to[i] = value;
    }
    return to + count;
}

static inline arm_cmsis_nn_status edgeq_pad(const EDGEQ_ELEMENT *input,
                                            EDGEQ_ELEMENT *output,
                                            EDGEQ_ELEMENT pad_value,
                                            const cmsis_nn_dims *input_size,
                                            const cmsis_nn_dims *pre_pad,
                                            const cmsis_nn_dims *post_pad)
{
    /* sizes of one element of the output's axes w, h and n */
    const int32_t pixel = pre_pad->c + input_size->c + post_pad->c;
    const int32_t row = (pre_pad->w + input_size->w + post_pad->w) * pixel;
    const int32_t image = (pre_pad->h + input_size->h + post_pad->h) * row;
    int32_t n, y, x;

    output = edgeq_fill(output, pad_value, pre_pad->n * image);
    for (n = 0; n < input_size->n; ++n) {
        output = edgeq_fill(output, pad_value, pre_pad->h * row);
        for (y = 0; y < input_size->h; ++y) {
            output = edgeq_fill(output, pad_value, pre_pad->w * pixel);
            for (x = 0; x < input_size->w; ++x) {
                output = edgeq_fill(output, pad_value, pre_pad->c);
                memcpy(output, input, (size_t)input_size->c * sizeof(EDGEQ_ELEMENT));
                output = edgeq_fill(output + input_size->c, pad_value, post_pad->c);
                input += input_size->c;
            }
            output = edgeq_fill(output, pad_value, post_pad->w * pixel);
        }
        output = edgeq_fill(output, pad_value, post_pad->h * row);
    }
    (void)edgeq_fill(output, pad_value, post_pad->n * image);
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
