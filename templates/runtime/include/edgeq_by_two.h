/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions that take the windows of two output pixels at a time. A row of a window, kernel width times channels, is
 * contiguous in the image: windows are read where they are, only those that hang over an edge are copied. Where rows are
 * short, it pays to copy all of them, for then a window is one row. What lies outside of the image counts as the zero
 * point.
 */
#ifndef EDGEQ_BY_TWO_H
#define EDGEQ_BY_TWO_H

#include "edgeq_cursor.h"

/* What all windows have in common. */
typedef struct {
    int32_t rows;     /* of a window */
    int32_t bytes;    /* of a row */
    int32_t channels; /* of the output */
    bool is_limited;  /* whether the activation is narrower than int8 */
    int32_t low;
    int32_t high;
} edgeq_window_rows;

/* All channels of two pixels, whose windows are at x0 and x1, rows `pitch` bytes apart; packed is the layer's table. */
typedef void (*edgeq_convolve_windows)(const edgeq_window_rows *v, const int8_t *x0, const int8_t *x1, int32_t pitch,
                                       const int32_t *packed, int8_t *y0, int8_t *y1);

/* The whole layer. */
static inline arm_cmsis_nn_status edgeq_convolve_by_two(
    const cmsis_nn_context *ctx, const cmsis_nn_conv_params *conv_params, const cmsis_nn_dims *input_dims,
    const int8_t *input_data, const cmsis_nn_dims *filter_dims, const int32_t *packed, bool copies_all, bool backwards,
    const cmsis_nn_dims *output_dims, int8_t *output_data, edgeq_convolve_windows convolve)
{
    const int32_t size = filter_dims->h * filter_dims->w * input_dims->c;
    const int32_t rows = copies_all || filter_dims->h < 1 ? 1 : filter_dims->h;
    const int32_t pitch = conv_params->dilation.h * input_dims->w * input_dims->c;
    const int32_t pixels = input_dims->n * output_dims->h * output_dims->w;
    const int32_t low = conv_params->activation.min;
    const int32_t high = conv_params->activation.max;
    const edgeq_window_rows v = {rows, size / rows, output_dims->c, low > -128 || high < 127, low, high};
    edgeq_cursor c;
    int8_t *const copies = ctx->buf;
    int32_t done;

    if (!edgeq_is_convolution(conv_params, input_dims, filter_dims, output_dims) || output_dims->c < 2 || v.bytes < 4) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    c = edgeq_first_window(conv_params, input_dims, filter_dims, output_dims, input_data, backwards);
    for (done = 0; done < pixels; done += 2) {
        /* The last of an odd number of pixels is computed twice. */
        const edgeq_place first = edgeq_next_window(&c);
        const bool is_pair = done + 1 < pixels;
        const edgeq_place second = is_pair ? edgeq_next_window(&c) : first;
        int8_t *const y = output_data + (backwards ? pixels - 1 - done : done) * output_dims->c;
        int8_t *const y_second = !is_pair ? y : backwards ? y - output_dims->c : y + output_dims->c;

        if (!copies_all && first.is_inside && second.is_inside) {
            convolve(&v, first.image + first.at, second.image + second.at, pitch, packed, y, y_second);
        } else {
            if (copies == NULL || ctx->size < 2 * size) {
                return ARM_CMSIS_NN_ARG_ERROR;
            }
            edgeq_copy_window(&c, first, copies);
            edgeq_copy_window(&c, second, copies + size);
            convolve(&v, copies, copies + size, v.bytes, packed, y, y_second);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
