/* SPDX-License-Identifier: Apache-2.0 */
/* Average pooling. */
#include "arm_nnfunctions.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_window.h"

int32_t arm_avgpool_s8_get_buffer_size(const int dim_dst_width, const int ch_src)
{
    (void)dim_dst_width;
    (void)ch_src;
    return 0;
}

/* sum / count, ties away from zero; count >= 1 */
static int32_t rounded_average(int32_t sum, int32_t count)
{
    const int32_t half = count / 2;
    return (sum > 0 ? sum + half : sum - half) / count;
}

arm_cmsis_nn_status arm_avgpool_s8(const cmsis_nn_context *ctx,
                                   const cmsis_nn_pool_params *pool_params,
                                   const cmsis_nn_dims *input_dims,
                                   const int8_t *input_data,
                                   const cmsis_nn_dims *filter_dims,
                                   const cmsis_nn_dims *output_dims,
                                   int8_t *output_data)
{
    const cmsis_nn_pool_params *const p = pool_params;
    const int32_t channels = input_dims->c;
    const int32_t in_row = input_dims->w * channels;
    int32_t n, oy, ox, c, row, col;

    (void)ctx;
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
                const int8_t *corner;

                if (rows.end <= rows.first || cols.end <= cols.first) {
                    return ARM_CMSIS_NN_ARG_ERROR;
                }
                corner = input_data + (y0 + rows.first) * in_row + (x0 + cols.first) * channels;
                for (c = 0; c < channels; ++c) {
                    const int8_t *line = corner + c;
                    int32_t sum = 0;

                    for (row = rows.first; row < rows.end; ++row, line += in_row) {
                        const int8_t *x = line;
                        for (col = cols.end - cols.first; col > 0; --col, x += channels) {
                            sum += *x;
                        }
                    }
                    sum = rounded_average(sum, (rows.end - rows.first) * (cols.end - cols.first));
                    *output_data++ = (int8_t)edgeq_clamp(sum, p->activation.min, p->activation.max);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
