/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions with weights in blocks: each window is copied, zeros where it hangs over the image, and multiplied. */
#include "edgeq_blocks.h"
#include "edgeq_convolution.h"
#include "edgeq_fixedpoint.h"

/* The window at (y0, x0) of one group's channels; those taps that lie inside the image are `rows` and `cols`. */
static void copy_window(int16_t *out, const int8_t *image, const cmsis_nn_conv_params *p, const cmsis_nn_dims *in,
                        const cmsis_nn_dims *filter, int32_t y0, int32_t x0)
{
    const edgeq_taps rows = edgeq_clip_taps(y0, in->h, filter->h, p->dilation.h);
    const edgeq_taps cols = edgeq_clip_taps(x0, in->w, filter->w, p->dilation.w);
    const int32_t row = filter->w * filter->c;
    /* Without groups and horizontal dilation, the taps of a row are neighbours in memory. */
    const bool contiguous = filter->c == in->c && p->dilation.w == 1;
    int32_t ky, kx;

    if (rows.end - rows.first < filter->h || cols.end - cols.first < filter->w) {
        memset(out, 0, 2 * (size_t)(filter->h * row));
    }
    for (ky = rows.first; ky < rows.end; ++ky) {
        const int8_t *const line = image + (y0 + ky * p->dilation.h) * in->w * in->c;
        int16_t *const place = out + ky * row;

        if (contiguous) {
            if (cols.end > cols.first) {
                edgeq_widen_inputs(place + cols.first * in->c, line + (x0 + cols.first) * in->c, p->input_offset,
                            (cols.end - cols.first) * in->c);
            }
            continue;
        }
        for (kx = cols.first; kx < cols.end; ++kx) {
            edgeq_widen_inputs(place + kx * filter->c, line + (x0 + kx * p->dilation.w) * in->c, p->input_offset, filter->c);
        }
    }
}

static inline arm_cmsis_nn_status convolve(const cmsis_nn_context *ctx, const cmsis_nn_conv_params *p,
                                           const cmsis_nn_per_channel_quant_params *quant,
                                           const cmsis_nn_dims *input_dims, const int8_t *input,
                                           const cmsis_nn_dims *filter_dims, const edgeq_block_filter *filter,
                                           const int32_t *bias, const cmsis_nn_dims *output_dims, int8_t *output,
                                           edgeq_block_product product)
{
    edgeq_block_inputs in;
    int32_t n, oy, ox, group, last, end, k;

    if (!edgeq_is_grouped_convolution(p, input_dims, filter_dims, output_dims) ||
        !edgeq_open_block_inputs(&in, ctx, filter, filter_dims->h * filter_dims->w * filter_dims->c)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t groups = input_dims->c / filter_dims->c;
    const int32_t out_per_group = output_dims->c / groups;

    for (n = 0; n < input_dims->n; ++n, input += input_dims->h * input_dims->w * input_dims->c) {
        for (oy = 0; oy < output_dims->h; ++oy) {
            for (ox = 0; ox < output_dims->w; ++ox) {
                int32_t o = 0;

                for (group = 0; group < groups; ++group) {
                    copy_window(in.inputs, input + group * filter_dims->c, p, input_dims, filter_dims,
                                oy * p->stride.h - p->padding.h, ox * p->stride.w - p->padding.w);
                    if (product.has_four_bits || filter->minima != NULL) {
                        edgeq_sum_blocks(&in, filter->size);
                    }
                    for (last = o + out_per_group; o < last; o = end) {
                        int32_t sums[2];

                        end = o + 2 < last ? o + 2 : last;
                        product.sums(sums, filter, &in, o, end - 1);
                        for (k = o; k < end; ++k) {
                            const int32_t y = edgeq_requantize(bias[k] + sums[k - o], quant->multiplier[k],
                                                               quant->shift[k]);
                            *output++ = edgeq_saturate_s8(y, p->output_offset, p->activation.min, p->activation.max);
                        }
                    }
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status edgeq_convolve_blocks_s8(const cmsis_nn_context *ctx,
                                             const cmsis_nn_conv_params *conv_params,
                                             const cmsis_nn_per_channel_quant_params *quant_params,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const edgeq_block_filter *filter,
                                             const int32_t *bias_data,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output_data)
{
    const edgeq_block_product product = {edgeq_block_sums_s8, false};

    return convolve(ctx, conv_params, quant_params, input_dims, input_data, filter_dims, filter, bias_data,
                    output_dims, output_data, product);
}

arm_cmsis_nn_status edgeq_convolve_blocks_s4(const cmsis_nn_context *ctx,
                                             const cmsis_nn_conv_params *conv_params,
                                             const cmsis_nn_per_channel_quant_params *quant_params,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const edgeq_block_filter *filter,
                                             const int32_t *bias_data,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output_data)
{
    const edgeq_block_product product = {edgeq_block_sums_s4, true};

    return convolve(ctx, conv_params, quant_params, input_dims, input_data, filter_dims, filter, bias_data,
                    output_dims, output_data, product);
}
