/* SPDX-License-Identifier: Apache-2.0 */
/* Images scaled with linear interpolation, whose elements are EDGEQ_ELEMENT and whose weighted sums fit EDGEQ_SUM. */
#ifndef EDGEQ_BILINEAR_H
#define EDGEQ_BILINEAR_H

#include "arm_nn_types.h"
#include "edgeq_resize.h"

static inline arm_cmsis_nn_status edgeq_resize_bilinear(const cmsis_nn_dims *input_dims,
                                                        const EDGEQ_ELEMENT *input,
                                                        int32_t scale_h,
                                                        int32_t scale_w,
                                                        int32_t start_h,
                                                        int32_t start_w,
                                                        const cmsis_nn_dims *output_dims,
                                                        EDGEQ_ELEMENT *output)
{
    const int32_t channels = input_dims->c;
    const int32_t row_size = input_dims->w * channels;
    int32_t batch;
    int32_t y;
    int32_t x;
    int32_t c;

    if (output_dims->n != input_dims->n || output_dims->c != channels || input_dims->h < 1 || input_dims->w < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < output_dims->n; ++batch) {
        for (y = 0; y < output_dims->h; ++y) {
            const edgeq_neighbours rows = edgeq_neighbours_of(y * scale_h + start_h, input_dims->h);
            const EDGEQ_ELEMENT *top = input + rows.low * row_size;
            const EDGEQ_ELEMENT *bottom = input + rows.high * row_size;

            for (x = 0; x < output_dims->w; ++x) {
                const edgeq_neighbours columns = edgeq_neighbours_of(x * scale_w + start_w, input_dims->w);
                const int32_t left = columns.low * channels;
                const int32_t right = columns.high * channels;

                for (c = 0; c < channels; ++c) {
                    const EDGEQ_SUM upper = (EDGEQ_SUM)top[left + c] * (EDGEQ_PIXEL - columns.weight) +
                                            (EDGEQ_SUM)top[right + c] * columns.weight;
                    const EDGEQ_SUM lower = (EDGEQ_SUM)bottom[left + c] * (EDGEQ_PIXEL - columns.weight) +
                                            (EDGEQ_SUM)bottom[right + c] * columns.weight;
                    const EDGEQ_SUM sum = upper * (EDGEQ_PIXEL - rows.weight) + lower * rows.weight;
                    const EDGEQ_SUM half = sum > 0 ? EDGEQ_PIXEL * EDGEQ_PIXEL / 2 : -(EDGEQ_PIXEL * EDGEQ_PIXEL / 2);
                    *output++ = (EDGEQ_ELEMENT)((sum + half) / (EDGEQ_PIXEL * EDGEQ_PIXEL));
                }
            }
        }
        input += input_dims->h * row_size;
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
