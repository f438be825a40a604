/* SPDX-License-Identifier: Apache-2.0 */
/* Transposed convolution of int16 images: for each output, the inputs whose windows cover it. */
#include "edgeq_kernels_s16.h"
#include "edgeq_sum_s16.h"

/* What all inputs add to the output at (y, x): image and filter are those of one batch and one output channel. */
static int64_t sum_at(const cmsis_nn_conv_params *p,
                      const cmsis_nn_dims *input_dims,
                      const int16_t *image,
                      const cmsis_nn_dims *filter_dims,
                      const int8_t *filter,
                      int32_t y,
                      int32_t x)
{
    const int32_t channels = input_dims->c;
    int64_t sum = 0;
    int32_t i, j;

    for (i = (y + p->padding.h) % p->stride.h; i < filter_dims->h; i += p->stride.h) {
        const int32_t row = (y + p->padding.h - i) / p->stride.h;
        if (y + p->padding.h < i || row >= input_dims->h) {
            continue;
        }
        for (j = (x + p->padding.w) % p->stride.w; j < filter_dims->w; j += p->stride.w) {
            const int32_t column = (x + p->padding.w - j) / p->stride.w;
            if (x + p->padding.w >= j && column < input_dims->w) {
                sum = edgeq_dot_s16(sum, image + (row * input_dims->w + column) * channels,
                                    filter + (i * filter_dims->w + j) * channels, channels);
            }
        }
    }
    return sum;
}

arm_cmsis_nn_status edgeq_transpose_conv_s16(const cmsis_nn_conv_params *p,
                                             const int32_t *multipliers,
                                             const int32_t *shifts,
                                             const cmsis_nn_dims *input_dims,
                                             const int16_t *input,
                                             const cmsis_nn_dims *filter_dims,
                                             const int8_t *filters,
                                             const int32_t *narrow_bias,
                                             const int64_t *wide_bias,
                                             const cmsis_nn_dims *output_dims,
                                             int16_t *output)
{
    const int32_t image_size = input_dims->h * input_dims->w * input_dims->c;
    const int32_t filter_size = filter_dims->h * filter_dims->w * filter_dims->c;
    const edgeq_finish_s16 finish = {narrow_bias, wide_bias, multipliers, shifts, p->activation};
    int32_t n, y, x, o;

    if (p->stride.h < 1 || p->stride.w < 1 || filter_dims->c != input_dims->c || filter_dims->n != output_dims->c) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (n = 0; n < output_dims->n; ++n, input += image_size) {
        for (y = 0; y < output_dims->h; ++y) {
            for (x = 0; x < output_dims->w; ++x) {
                for (o = 0; o < output_dims->c; ++o) {
                    const int64_t sum = sum_at(p, input_dims, input, filter_dims, filters + o * filter_size, y, x);
                    *output++ = edgeq_finished_s16(&finish, sum, o, o);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
