/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling of EDGEQ_ELEMENT, int8_t or int16_t: define it before including this. */
#ifndef EDGEQ_POOL_H
#define EDGEQ_POOL_H

#include "arm_nn_types.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_window.h"

/* sum / count, ties away from zero; count >= 1 */
static inline int32_t edgeq_rounded_average(int32_t sum, int32_t count)
{
    const int32_t half = count / 2;
    return (sum > 0 ? sum + half : sum - half) / count;
}

/*
 * Of every window and channel the average, or the largest element if `is_max`, limited to the activation; one of the two
 * remains where this is inlined.
 */
static inline arm_cmsis_nn_status edgeq_pool(bool is_max,
                                             const cmsis_nn_pool_params *p,
                                             const cmsis_nn_dims *input_dims,
                                             const EDGEQ_ELEMENT *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const cmsis_nn_dims *output_dims,
                                             EDGEQ_ELEMENT *output_data)
{
    const int32_t channels = input_dims->c;
    const int32_t in_row = input_dims->w * channels;
    int32_t n, oy, ox, c, row, col;

    if (input_dims->n < 1 || p->stride.h < 1 || p->stride.w < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (n = 0; n < input_dims->n; ++n, input_data += input_dims->h * in_row) {
        for (oy = 0; oy < output_dims->h; ++oy) {
            const int32_t y0 = oy * p->stride.h - p->padding.h;
            const edgeq_taps rows = edgeq_clip_taps(y0, input_dims->h, filter_dims->h, 1);

            for (ox = 0; ox < output_dims->w; ++ox) {
                const int32_t x0 = ox * p->stride.w - p->padding.w;
                const edgeq_taps cols = edgeq_clip_taps(x0, input_dims->w, filter_dims->w, 1);
                const EDGEQ_ELEMENT *corner;

                if (rows.end <= rows.first || cols.end <= cols.first) {
                    return ARM_CMSIS_NN_ARG_ERROR;
                }
                corner = input_data + (y0 + rows.first) * in_row + (x0 + cols.first) * channels;
                for (c = 0; c < channels; ++c) {
                    const EDGEQ_ELEMENT *line = corner + c;
                    int32_t result = is_max ? INT16_MIN : 0;

                    for (row = rows.first; row < rows.end; ++row, line += in_row) {
                        const EDGEQ_ELEMENT *x = line;
                        for (col = cols.end - cols.first; col > 0; --col, x += channels) {
                            if (!is_max) {
                                result += *x;
                            } else if (*x > result) {
                                result = *x;
                            }
                        }
                    }
                    if (!is_max) {
                        result = edgeq_rounded_average(result, (rows.end - rows.first) * (cols.end - cols.first));
                    }
                    *output_data++ = (EDGEQ_ELEMENT)edgeq_clamp(result, p->activation.min, p->activation.max);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
