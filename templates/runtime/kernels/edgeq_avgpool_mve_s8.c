/* SPDX-License-Identifier: Apache-2.0 */
/* Average pooling for cores with the vector extension, eight channels at a time, which add up in sixteen bits. */
#include "edgeq_kernels_mve.h"
#include "edgeq_mve.h"
#define EDGEQ_ELEMENT int8_t
#include "edgeq_pool.h"

#define LANES 8
/* So many bytes add up in sixteen bits, whatever they are. */
#define MOST_PIXELS 256

/* Adds up `channels` (1 ... 8) of rows times cols pixels, rows `pitch` and pixels `step` bytes apart. */
static EDGEQ_ALWAYS_INLINE void add_up(const int8_t *x, int32_t rows, int32_t cols, int32_t pitch, int32_t step,
                                       int32_t channels, int16_t sums[LANES])
{
    int32_t row, col;
#if defined(__ARM_FEATURE_MVE)
    const mve_pred16_t p = vctp16q((uint32_t)channels);
    int16x8_t sum = vdupq_n_s16(0);

    for (row = 0; row < rows; ++row, x += pitch) {
        const int8_t *at = x;
        for (col = cols; col > 0; --col, at += step) {
            sum = vaddq_s16(sum, vldrbq_z_s16(at, p));
        }
    }
    vstrhq_s16(sums, sum);
#else
    int32_t c;

    for (c = 0; c < channels; ++c) {
        int32_t sum = 0;
        for (row = 0; row < rows; ++row) {
            for (col = 0; col < cols; ++col) {
                sum += x[row * pitch + col * step + c];
            }
        }
        sums[c] = (int16_t)sum;
    }
#endif
}

arm_cmsis_nn_status edgeq_avgpool_mve_s8(const cmsis_nn_pool_params *pool_params,
                                         const cmsis_nn_dims *input_dims,
                                         const int8_t *input_data,
                                         const cmsis_nn_dims *filter_dims,
                                         const cmsis_nn_dims *output_dims,
                                         int8_t *output_data)
{
    const cmsis_nn_pool_params *const p = pool_params;
    const int32_t channels = input_dims->c;
    const int32_t pitch = input_dims->w * channels;
    int32_t n, out_y, out_x, c, i;

    if (input_dims->n < 1 || p->stride.h < 1 || p->stride.w < 1 || filter_dims->h * filter_dims->w > MOST_PIXELS) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (n = 0; n < input_dims->n; ++n, input_data += input_dims->h * pitch) {
        for (out_y = 0; out_y < output_dims->h; ++out_y) {
            const int32_t y = out_y * p->stride.h - p->padding.h;
            const edgeq_taps rows = edgeq_clip_taps(y, input_dims->h, filter_dims->h, 1);

            for (out_x = 0; out_x < output_dims->w; ++out_x) {
                const int32_t x = out_x * p->stride.w - p->padding.w;
                const edgeq_taps cols = edgeq_clip_taps(x, input_dims->w, filter_dims->w, 1);
                const int32_t height = rows.end - rows.first;
                const int32_t width = cols.end - cols.first;
                const int8_t *corner;

                if (height < 1 || width < 1) {
                    return ARM_CMSIS_NN_ARG_ERROR;
                }
                corner = input_data + (y + rows.first) * pitch + (x + cols.first) * channels;
                for (c = 0; c < channels; c += LANES) {
                    const int32_t lanes = channels - c < LANES ? channels - c : LANES;
                    int16_t sums[LANES];

                    add_up(corner + c, height, width, pitch, channels, lanes, sums);
                    for (i = 0; i < lanes; ++i) {
                        const int32_t average = edgeq_rounded_average(sums[i], height * width);
                        *output_data++ = (int8_t)edgeq_clamp(average, p->activation.min, p->activation.max);
                    }
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
