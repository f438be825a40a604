/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The windows of a depthwise convolution with one filter per channel, pixel after pixel. Taps outside of the image are
 * skipped; 3x3 windows that lie on it come in rows.
 */
#ifndef EDGEQ_DEPTHWISE_WALK_H
#define EDGEQ_DEPTHWISE_WALK_H

#include <stddef.h>

#include "edgeq_convolution.h"
#include "edgeq_window.h"

/* The part of the window that lies on the image, and how to walk over it. */
typedef struct {
    int32_t rows;
    int32_t cols;
    int32_t x_row;   /* bytes from row to row of taps */
    int32_t x_col;   /* bytes from tap to tap */
    int32_t x_pixel; /* bytes from window to window */
    int32_t w_first; /* words from a record's weights to those of the first tap */
    int32_t w_skip;  /* words of the taps that lie outside, per row */
    int32_t w_all;   /* words of all taps */
    int32_t channels;
    int32_t width;   /* pixels of a row of the image */
    int32_t left;    /* pixels that the first window of a row hangs over */
    int32_t results; /* of a row */
    bool has_rows;      /* whether rows whose windows hang over neither top nor bottom are computed as such */
    bool is_limited;    /* whether the activation is narrower than the type */
    bool has_one_shift; /* whether the table requantizes all channels at once: never in small code */
    bool is_plain;      /* the same, and saturation is all that limits */
    int32_t low;
    int32_t high;
    uint32_t offset; /* the input's offset in both lanes */
} edgeq_depthwise_walk;

/* All channels of the output pixel at y whose first tap on the image is at x; packed is the layer's table. */
typedef void (*edgeq_depthwise_border)(const edgeq_depthwise_walk *v, const int8_t *x, const int32_t *packed, int8_t *y);

/* The same of neighbouring pixels, all nine taps of whose 3x3 windows lie on the image. */
typedef void (*edgeq_depthwise_whole)(const edgeq_depthwise_walk *v, const int8_t *x, const int32_t *packed, int8_t *y,
                                      int32_t pixels);

/* The same of all pixels of a row; x is the image's column 0 at the row of the first tap. */
typedef void (*edgeq_depthwise_row)(const edgeq_depthwise_walk *v, const int8_t *x, const int32_t *packed, int8_t *y);

static inline bool edgeq_can_walk_depthwise(const cmsis_nn_dw_conv_params *p, const cmsis_nn_dims *in,
                                            const cmsis_nn_dims *filter, const cmsis_nn_dims *out)
{
    return in->c >= 4 && p->ch_mult == 1 && edgeq_is_depthwise_convolution(p, in, filter, out);
}

/* The pixels of an output row whose 3x3 windows do not hang over the left or right edge; none of other windows. */
static inline edgeq_taps edgeq_inner_pixels(const cmsis_nn_dw_conv_params *p, const cmsis_nn_dims *in,
                                            const cmsis_nn_dims *filter, const cmsis_nn_dims *out)
{
    const int32_t last = in->w - 1 - 2 * p->dilation.w + p->padding.w; /* where a window may start, from the padding */
    edgeq_taps pixels = {0, 0};

    if (filter->h == 3 && filter->w == 3 && last >= 0) {
        pixels.first = (p->padding.w + p->stride.w - 1) / p->stride.w;
        pixels.end = last / p->stride.w + 1;
        if (pixels.end > out->w) {
            pixels.end = out->w;
        }
    }
    return pixels;
}

/*
 * All pixels. element: bytes of an input and of a result; tap: words that a record has for each tap; row may be NULL.
 * Inlined, so that no function is a pointer. What v says of requantization and of rows is for the caller.
 */
static inline __attribute__((always_inline)) void edgeq_walk_depthwise(
    edgeq_depthwise_walk *v, const cmsis_nn_dw_conv_params *p, const cmsis_nn_dims *input_dims, const int8_t *input_data,
    const cmsis_nn_dims *filter_dims, const int32_t *packed, const cmsis_nn_dims *output_dims, int8_t *output_data,
    int32_t element, int32_t tap, edgeq_depthwise_border at_border, edgeq_depthwise_whole whole, edgeq_depthwise_row row)
{
    const int32_t pixel = element * input_dims->c;
    const int32_t x_line = input_dims->w * pixel;
    const edgeq_taps inner = edgeq_inner_pixels(p, input_dims, filter_dims, output_dims);
    int32_t n, out_y, out_x;

    v->x_row = p->dilation.h * x_line;
    v->x_col = p->dilation.w * pixel;
    v->x_pixel = p->stride.w * pixel;
    v->w_all = tap * filter_dims->h * filter_dims->w;
    v->channels = input_dims->c;
    v->width = input_dims->w;
    v->left = p->padding.w;
    v->results = output_dims->w;
    for (n = 0; n < input_dims->n; ++n) {
        for (out_y = 0; out_y < output_dims->h; ++out_y) {
            const int32_t y = out_y * p->stride.h - p->padding.h;
            const edgeq_taps rows = edgeq_clip_taps(y, input_dims->h, filter_dims->h, p->dilation.h);
            const int32_t top = y + rows.first * p->dilation.h;
            const bool is_inner = rows.end - rows.first == 3;
            if (row != NULL && v->has_rows && is_inner) {
                row(v, input_data + top * x_line, packed, output_data);
                output_data += output_dims->w * pixel;
                continue;
            }
            for (out_x = 0; out_x < output_dims->w;) {
                const int32_t x = out_x * p->stride.w - p->padding.w;
                if (is_inner && out_x == inner.first && inner.first < inner.end) {
                    const int32_t pixels = inner.end - inner.first;
                    whole(v, input_data + top * x_line + x * pixel, packed, output_data, pixels);
                    output_data += pixels * pixel;
                    out_x += pixels;
                } else {
                    const edgeq_taps cols = edgeq_clip_taps(x, input_dims->w, filter_dims->w, p->dilation.w);
                    const int32_t left = x + cols.first * p->dilation.w;
                    const bool is_empty = rows.end <= rows.first || cols.end <= cols.first;
                    v->rows = is_empty ? 0 : rows.end - rows.first;
                    v->cols = cols.end - cols.first;
                    v->w_first = is_empty ? 0 : tap * (rows.first * filter_dims->w + cols.first);
                    v->w_skip = tap * (filter_dims->w - v->cols);
                    at_border(v, is_empty ? input_data : input_data + top * x_line + left * pixel, packed, output_data);
                    output_data += pixel;
                    ++out_x;
                }
            }
        }
        input_data += input_dims->h * x_line;
    }
}

#endif
