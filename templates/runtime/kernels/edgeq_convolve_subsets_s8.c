/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution with ternary and binary weights for cores without the DSP extension: two output pixels at a time.
 *
 * The sums of all subsets of every four inputs are written once for all channels. A window whose rows are no whole fours
 * of inputs in one piece, or that hangs over an edge of the image, is copied first.
 */
#include "edgeq_cursor.h"
#include "edgeq_kernels_scalar.h"
#include "edgeq_subsets.h"

arm_cmsis_nn_status edgeq_convolve_subsets_s8(const cmsis_nn_context *ctx,
                                              const cmsis_nn_conv_params *conv_params,
                                              const cmsis_nn_dims *input_dims,
                                              const int8_t *input_data,
                                              const cmsis_nn_dims *filter_dims,
                                              const int32_t *packed,
                                              bool is_ternary,
                                              bool is_narrow,
                                              int32_t kind,
                                              bool backwards,
                                              const cmsis_nn_dims *output_dims,
                                              int8_t *output_data)
{
    const cmsis_nn_conv_params *const p = conv_params;
    const int32_t row = filter_dims->w * input_dims->c;
    const int32_t channels = output_dims->c;
    const int32_t pixels = input_dims->n * output_dims->h * output_dims->w;
    edgeq_subset_layer l =
        edgeq_subset_layer_of(packed, kind, is_narrow, p->activation, p->output_offset, channels, filter_dims->h * row);
    const int32_t padded = EDGEQ_SUBSET_INPUTS * l.groups;
    const bool has_whole_rows = row % EDGEQ_SUBSET_INPUTS == 0 && (p->dilation.w == 1 || filter_dims->w == 1);
    const int32_t run = row / EDGEQ_SUBSET_INPUTS;
    const int32_t skip = p->dilation.h * input_dims->w * input_dims->c - row;
    const int32_t needed = edgeq_subset_bytes(channels, l.groups);
    const bool has_copies = ctx->size >= needed + 2 * padded;
    const int32_t step = backwards ? -channels : channels;
    int8_t *y = output_data + (backwards ? (pixels - 1) * channels : 0);
    /* A window is a pixel, and they follow each other. */
    const bool is_pointwise = has_whole_rows && filter_dims->h == 1 && filter_dims->w == 1 && p->stride.h == 1 &&
                              p->stride.w == 1 && p->padding.h == 0 && p->padding.w == 0 &&
                              output_dims->h == input_dims->h && output_dims->w == input_dims->w;
    const int32_t pixel = backwards ? -row : row;
    const int8_t *x = input_data + (backwards ? (pixels - 1) * row : 0);
    int32_t left = pixels;
    int8_t *copies;
    edgeq_cursor c;

    if (!edgeq_is_convolution(p, input_dims, filter_dims, output_dims) || ctx->buf == NULL || ctx->size < needed ||
        !edgeq_can_finish(&l.finishing)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    copies = edgeq_enter_subsets(&l, is_ternary, ctx->buf);
    c = edgeq_first_window(p, input_dims, filter_dims, output_dims, input_data, backwards);
    while (left > 0) {
        const int32_t count = left > 1 ? 2 : 1;
        const int8_t *const inside =
            is_pointwise ? x : has_whole_rows ? edgeq_next_windows_inside(&c, count) : NULL;
        edgeq_subset_inputs from = {inside, inside, run, run, skip};

        if (is_pointwise) {
            from.x1 += (count - 1) * pixel;
            x += count * pixel;
        } else if (inside != NULL) {
            from.x1 += (count - 1) * c.step_at;
        } else {
            if (!has_copies) {
                return ARM_CMSIS_NN_ARG_ERROR;
            }
            from = edgeq_copied_subsets(&l, copies, count);
            edgeq_copy_window(&c, edgeq_next_window(&c), copies);
            if (count > 1) {
                edgeq_copy_window(&c, edgeq_next_window(&c), copies + padded);
            }
        }
        edgeq_two_by_subsets(&l, from, y, y + (count - 1) * step);
        y += count * step;
        left -= count;
    }
    return ARM_CMSIS_NN_SUCCESS;
}
