/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk of convolutions for cores with the vector extension over their windows. What lies outside of the image counts
 * as the zero point, whose offset is part of the bias. Rows of windows are contiguous in the image: windows are read where
 * they are, only those that hang over an edge are copied. Where rows are short, it pays to copy all of them, for then a
 * window is one row.
 */
#ifndef EDGEQ_MVE_WINDOWS_H
#define EDGEQ_MVE_WINDOWS_H

#include "arm_nn_types.h"
#include "edgeq_mve_tiles.h"
#include "edgeq_window.h"

/* Whether signs take the place of what is copied. A file says so before it includes this. */
#if !defined(EDGEQ_OF_SIGNS)
#define EDGEQ_OF_SIGNS false
#endif

/* Where the windows are: walks from left to right, from top to bottom, image after image, or the other way round. */
typedef struct {
    const cmsis_nn_conv_params *p;
    const cmsis_nn_dims *in;
    const cmsis_nn_dims *filter;
    const cmsis_nn_dims *out;
    const int8_t *image;
    int32_t threshold; /* of signs */
    int32_t step_x;   /* from window to window: in pixels, in bytes */
    int32_t step;
    int32_t inside_x; /* so many columns and rows, from 0 on, have windows that lie in the image as a whole */
    int32_t inside_y;
    int32_t row;      /* of the output */
    int32_t left;     /* windows of it that are to come */
    bool backwards;
    /* The next window's top left corner; beside the image where it hangs over an edge. */
    int32_t x;
    int32_t y;
    int32_t corner; /* from the image's first byte */
} cursor;

static void start_row(cursor *c)
{
    const int32_t first = c->backwards ? c->out->w - 1 : 0;

    c->left = c->out->w;
    c->x = first * c->p->stride.w - c->p->padding.w;
    c->y = c->row * c->p->stride.h - c->p->padding.h;
    c->corner = (c->y * c->in->w + c->x) * c->in->c;
}

static void start_next_row(cursor *c)
{
    const int32_t bytes = c->in->h * c->in->w * c->in->c;

    c->row += c->backwards ? -1 : 1;
    if (c->row < 0) {
        c->row = c->out->h - 1;
        c->image -= bytes;
    } else if (c->row == c->out->h) {
        c->row = 0;
        c->image += bytes;
    }
    start_row(c);
}

/* Moves on by so many windows, which are of the same row. */
static inline void move_on(cursor *c, int32_t windows)
{
    c->x += windows * c->step_x;
    c->corner += windows * c->step;
    c->left -= windows;
    if (c->left == 0) {
        start_next_row(c);
    }
}

static inline bool is_inside(const cursor *c)
{
    return c->x >= 0 && c->x < c->inside_x && c->y >= 0 && c->y < c->inside_y;
}

/* The windows from the next one on that are of its row and lie inside of the image. */
static int32_t windows_inside(const cursor *c)
{
    int32_t windows;

    if (!is_inside(c)) {
        return 0;
    }
    windows = (c->backwards ? c->x : c->inside_x - 1 - c->x) / c->p->stride.w + 1;
    return windows < c->left ? windows : c->left;
}

/* The columns of taps on the image; without a division where they are neighbours. */
static inline edgeq_taps clip_columns(const cursor *c, int32_t dilation)
{
    const int32_t width = c->filter->w;
    edgeq_taps cols;

    if (dilation != 1) {
        return edgeq_clip_taps(c->x, c->in->w, width, dilation);
    }
    cols.first = c->x < 0 ? -c->x : 0;
    cols.end = c->in->w - c->x < width ? c->in->w - c->x : width;
    return cols;
}

static inline void copy_bytes(const cursor *c, int8_t *to, const int8_t *from, int32_t count)
{
    if (EDGEQ_OF_SIGNS) {
        edgeq_mve_signs(to, from, c->threshold, count);
    } else {
        edgeq_mve_copy(to, from, count);
    }
}

#if defined(__ARM_FEATURE_MVE)

static inline int8x16_t load_bytes(const cursor *c, const int8_t *from, mve_pred16_t mask)
{
    const int8x16_t bytes = vldrbq_z_s8(from, mask);

    return EDGEQ_OF_SIGNS ? vpselq_s8(vdupq_n_s8(1), vdupq_n_s8(-1), vcmpgeq_n_s8(bytes, (int8_t)c->threshold)) : bytes;
}

/* Copies the next window, whose rows have up to sixteen bytes without gaps. Writes sixteen of the last row. */
static EDGEQ_NOINLINE void copy_short_window(const cursor *c, int8_t *copy)
{
    const int32_t channels = c->in->c;
    const int32_t bytes = c->filter->w * channels;
    const int32_t pitch = c->p->dilation.h * c->in->w * channels;
    const int8_t *x = c->image + c->corner;
    int32_t rows = c->filter->h;

    if (is_inside(c)) {
        const mve_pred16_t mask = vctp8q((uint32_t)bytes);
        do {
            vstrbq_s8(copy, load_bytes(c, x, mask));
            x += pitch;
            copy += bytes;
        } while (--rows > 0);
    } else {
        const edgeq_taps cols = clip_columns(c, 1);
        const int8x16_t zero = vdupq_n_s8((int8_t)-c->p->input_offset);
        const uint32_t lanes =
            cols.end > cols.first ? (1u << cols.end * channels) - (1u << cols.first * channels) : 0u;
        const mve_pred16_t mask = (mve_pred16_t)lanes;
        int32_t y = c->y;
        do {
            const bool is_row = y >= 0 && y < c->in->h;
            vstrbq_s8(copy, is_row ? vpselq_s8(load_bytes(c, x, mask), zero, mask) : zero);
            x += pitch;
            y += c->p->dilation.h;
            copy += bytes;
        } while (--rows > 0);
    }
}

#endif

/* Copies the next window, the zero point in place of what is not on the image. */
static EDGEQ_NOINLINE void copy_any_window(const cursor *c, int8_t *copy)
{
    const int32_t channels = c->in->c;
    const int32_t height = c->in->h;
    const int32_t dilation = c->p->dilation.w;
    const int32_t row_dilation = c->p->dilation.h;
    const int32_t bytes = c->filter->w * channels;
    const int32_t pitch = row_dilation * c->in->w * channels;
    const edgeq_taps cols = clip_columns(c, dilation);
    /* Taps that are neighbours are copied in one run. */
    const int32_t taps = cols.end > cols.first ? cols.end - cols.first : 0;
    const int32_t runs = dilation == 1 ? 1 : taps;
    const int32_t run = dilation == 1 ? taps * channels : channels;
    const int8_t *line = c->image + c->corner + cols.first * dilation * channels;
    int32_t y = c->y;
    int32_t rows = c->filter->h;

    if (!is_inside(c)) {
        edgeq_mve_fill(copy, -c->p->input_offset, bytes * rows);
    }
    copy += cols.first * channels;
    for (; rows > 0; --rows, copy += bytes, line += pitch, y += row_dilation) {
        if (y >= 0 && y < height) {
            const int8_t *from = line;
            int8_t *to = copy;
            int32_t i;
            for (i = runs; i > 0; --i, from += dilation * channels, to += channels) {
                copy_bytes(c, to, from, run);
            }
        }
    }
}

static inline void copy_window(const cursor *c, int8_t *copy)
{
#if defined(__ARM_FEATURE_MVE)
    if (c->filter->w * c->in->c <= 16 && c->p->dilation.w == 1) {
        copy_short_window(c, copy);
        return;
    }
#endif
    copy_any_window(c, copy);
}

static bool is_computable(const cmsis_nn_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                          const cmsis_nn_dims *out)
{
    if (in->n < 1 || in->h < 1 || in->w < 1 || in->c < 1 || filter->h < 1 || filter->w < 1 || out->h < 1 ||
        out->w < 1 || out->c < 4) {
        return false;
    }
    if (p->stride.h < 1 || p->stride.w < 1 || p->dilation.h < 1 || p->dilation.w < 1 || p->padding.h < 0 ||
        p->padding.w < 0) {
        return false;
    }
    return filter->c == in->c;
}

/* Whether windows are pixels, one after the other. */
static bool is_pointwise(const cmsis_nn_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                         const cmsis_nn_dims *out)
{
    return filter->h == 1 && filter->w == 1 && p->stride.h == 1 && p->stride.w == 1 && p->padding.h == 0 &&
           p->padding.w == 0 && out->h == in->h && out->w == in->w;
}

/*
 * See edgeq_convolve_mve_s8; `packed` as EDGEQ_WEIGHT_BITS say, has_left whether there are shifts to the left. threshold: of
 * signs, where all windows are copied.
 */
static arm_cmsis_nn_status edgeq_convolve_windows(const cmsis_nn_context *ctx,
                                                  const cmsis_nn_conv_params *p,
                                                  const cmsis_nn_dims *input_dims,
                                                  const int8_t *input_data,
                                                  const cmsis_nn_dims *filter_dims,
                                                  const int32_t *packed,
                                                  bool has_left,
                                                  int32_t threshold,
                                                  bool copies_all,
                                                  bool backwards,
                                                  const cmsis_nn_dims *output_dims,
                                                  int8_t *output_data)
{
    const int32_t channels = input_dims->c;
    const int32_t size = filter_dims->h * filter_dims->w * channels;
    const int32_t room = (size + 15) / 16 * 16;
    const int32_t rows = copies_all || filter_dims->h < 1 ? 1 : filter_dims->h;
    const int32_t bytes = size / rows;
    const int32_t steps = (bytes - 1) / 16;
    const int32_t pitch = p->dilation.h * input_dims->w * channels;
    const int32_t pixels = input_dims->n * output_dims->h * output_dims->w;
    const int32_t y_step = backwards ? -output_dims->c : output_dims->c;
    const edgeq_tiles v = {
        rows, steps, bytes - 16 * steps, output_dims->c, has_left,
        {p->output_offset, p->activation.min, p->activation.max}};
    cmsis_nn_dims line = {1, 1, pixels, channels};
    int8_t *const copies = ctx->buf;
    int8_t *y = output_data;
    int32_t left = pixels;
    cursor c;

    if (!is_computable(p, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    c.p = p;
    c.in = input_dims;
    c.filter = filter_dims;
    c.out = output_dims;
    c.image = input_data;
    c.threshold = threshold;
    c.backwards = backwards;
    if (is_pointwise(p, input_dims, filter_dims, output_dims)) {
        c.in = &line;
        c.out = &line;
    }
    c.step_x = backwards ? -p->stride.w : p->stride.w;
    c.step = c.step_x * channels;
    c.inside_x = c.in->w - (filter_dims->w - 1) * p->dilation.w;
    c.inside_y = c.in->h - (filter_dims->h - 1) * p->dilation.h;
    c.row = 0;
    if (backwards) {
        c.image += (c.in->n - 1) * c.in->h * c.in->w * channels;
        c.row = c.out->h - 1;
        y += (pixels - 1) * output_dims->c;
    }
    start_row(&c);
    while (left > 0) {
        const int32_t pairs = copies_all ? 0 : windows_inside(&c) / 2;

        if (pairs > 0) {
            edgeq_convolve_tiles(&v, c.image + c.corner, c.step, pitch, packed, y, y_step, pairs);
            y += 2 * pairs * y_step;
            left -= 2 * pairs;
            move_on(&c, 2 * pairs);
        } else if (left == 1 && is_inside(&c) && !copies_all) {
            /* The last of an odd number is computed twice. */
            edgeq_convolve_tiles(&v, c.image + c.corner, 0, pitch, packed, y, 0, 1);
            left = 0;
        } else {
            if (copies == NULL || ctx->size < 2 * room + 16) {
                return ARM_CMSIS_NN_ARG_ERROR;
            }
            copy_window(&c, copies);
            if (left > 1) {
                move_on(&c, 1);
                copy_window(&c, copies + room);
                move_on(&c, 1);
                edgeq_convolve_tiles(&v, copies, room, bytes, packed, y, y_step, 1);
                y += 2 * y_step;
            } else {
                edgeq_convolve_tiles(&v, copies, 0, bytes, packed, y, 0, 1);
            }
            left -= 2;
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
