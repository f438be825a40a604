/* SPDX-License-Identifier: Apache-2.0 */
/* The sums of transposed convolutions: for each output, the inputs whose windows cover it. */
#ifndef EDGEQ_TRANSPOSE_CONV_H
#define EDGEQ_TRANSPOSE_CONV_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"

static inline bool edgeq_is_transposed_convolution(const cmsis_nn_conv_params *p, const cmsis_nn_dims *input_dims,
                                                   const cmsis_nn_dims *filter_dims, const cmsis_nn_dims *output_dims)
{
    return p->stride.h >= 1 && p->stride.w >= 1 && filter_dims->c == input_dims->c && filter_dims->n == output_dims->c;
}

static inline int32_t edgeq_transposed_dot(const int8_t *x, int32_t offset, const int8_t *w, int32_t channels)
{
    int32_t sum = 0;
    int32_t c;

    for (c = 0; c < channels; ++c) {
        sum += (x[c] + offset) * w[c];
    }
    return sum;
}

/* What all inputs add to the output at (y, x): image and filter are those of one batch and one output channel. */
static inline int32_t edgeq_transposed_sum(const cmsis_nn_conv_params *p, const cmsis_nn_dims *input_dims,
                                           const int8_t *image, const cmsis_nn_dims *filter_dims, const int8_t *filter,
                                           int32_t y, int32_t x)
{
    const int32_t channels = input_dims->c;
    int32_t sum = 0;
    int32_t i, j;

    for (i = (y + p->padding.h) % p->stride.h; i < filter_dims->h; i += p->stride.h) {
        const int32_t row = (y + p->padding.h - i) / p->stride.h;
        if (y + p->padding.h < i || row >= input_dims->h) {
            continue;
        }
        for (j = (x + p->padding.w) % p->stride.w; j < filter_dims->w; j += p->stride.w) {
            const int32_t column = (x + p->padding.w - j) / p->stride.w;
            if (x + p->padding.w >= j && column < input_dims->w) {
                sum += edgeq_transposed_dot(image + (row * input_dims->w + column) * channels, p->input_offset,
                                            filter + (i * filter_dims->w + j) * channels, channels);
            }
        }
    }
    return sum;
}

#endif
