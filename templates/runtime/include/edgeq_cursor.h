/* SPDX-License-Identifier: Apache-2.0 */
/* The windows of a convolution one after the other, and copies of those that hang over an edge of the image. */
#ifndef EDGEQ_CURSOR_H
#define EDGEQ_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "arm_nnfunctions.h"
#include "edgeq_convolution.h"
#include "edgeq_copy.h"
#include "edgeq_window.h"

/* Where the next window is, from left to right, from top to bottom, image after image; or the other way round. */
typedef struct {
    const cmsis_nn_conv_params *p;
    const cmsis_nn_dims *in;
    const cmsis_nn_dims *filter;
    const cmsis_nn_dims *out;
    const int8_t *image;
    int32_t x;         /* its left column on the image */
    int32_t y;         /* its top row */
    int32_t at;        /* bytes from the image's start to its corner */
    int32_t columns;   /* windows that are left in this row */
    int32_t rows;      /* rows that are left in this image, with this one */
    int32_t last_x;    /* where the rightmost window that does not hang over begins */
    int32_t step;      /* columns from window to window */
    int32_t step_at;   /* the same in bytes */
    bool is_inside;    /* whether this row's windows hang over neither top nor bottom */
} edgeq_cursor;

/* The top left corner of a window on the image; beside the image where it hangs over an edge. */
typedef struct {
    const int8_t *image;
    int32_t x;
    int32_t y;
    int32_t at;
    bool is_inside;
} edgeq_place;

/* To the row of windows whose top is at c->y. */
static inline void edgeq_enter_row(edgeq_cursor *c)
{
    const int32_t width = c->out->w;

    c->columns = width;
    c->x = (c->step < 0 ? (width - 1) * c->p->stride.w : 0) - c->p->padding.w;
    c->at = (c->y * c->in->w + c->x) * c->in->c;
    c->is_inside = c->y >= 0 && c->y + (c->filter->h - 1) * c->p->dilation.h < c->in->h;
}

/* To the first row of an image; the last if backwards. */
static inline void edgeq_enter_image(edgeq_cursor *c)
{
    c->rows = c->out->h;
    c->y = (c->step < 0 ? (c->rows - 1) * c->p->stride.h : 0) - c->p->padding.h;
    edgeq_enter_row(c);
}

static inline edgeq_cursor edgeq_first_window(const cmsis_nn_conv_params *p, const cmsis_nn_dims *in,
                                              const cmsis_nn_dims *filter, const cmsis_nn_dims *out,
                                              const int8_t *images, bool backwards)
{
    edgeq_cursor c;

    c.p = p;
    c.in = in;
    c.filter = filter;
    c.out = out;
    c.image = backwards ? images + (in->n - 1) * in->h * in->w * in->c : images;
    c.last_x = in->w - 1 - (filter->w - 1) * p->dilation.w;
    c.step = backwards ? -p->stride.w : p->stride.w;
    c.step_at = c.step * in->c;
    edgeq_enter_image(&c);
    return c;
}

/* After a row's last window. */
static EDGEQ_NOINLINE void edgeq_next_row(edgeq_cursor *c)
{
    if (--c->rows > 0) {
        c->y += c->step < 0 ? -c->p->stride.h : c->p->stride.h;
        edgeq_enter_row(c);
    } else {
        const int32_t size = c->in->h * c->in->w * c->in->c;
        c->image += c->step < 0 ? -size : size;
        edgeq_enter_image(c);
    }
}

static inline edgeq_place edgeq_next_window(edgeq_cursor *c)
{
    const edgeq_place w = {c->image, c->x, c->y, c->at, c->is_inside && c->x >= 0 && c->x <= c->last_x};

    c->x += c->step;
    c->at += c->step_at;
    if (--c->columns == 0) {
        edgeq_next_row(c);
    }
    return w;
}

/* Where the first of the next `count` windows is, if they lie in one row and none hangs over; NULL, taking none, else. */
static inline const int8_t *edgeq_next_windows_inside(edgeq_cursor *c, int32_t count)
{
    const int8_t *const first = c->image + c->at;
    const int32_t last = c->x + (count - 1) * c->step;

    if (!c->is_inside || c->columns < count || c->x < 0 || c->x > c->last_x || last < 0 || last > c->last_x) {
        return NULL;
    }
    c->x = last + c->step;
    c->at += count * c->step_at;
    c->columns -= count;
    if (c->columns == 0) {
        edgeq_next_row(c);
    }
    return first;
}

/* Copies a window, the zero point in place of what is not on the image. */
static EDGEQ_NOINLINE void edgeq_copy_window(const edgeq_cursor *c, edgeq_place w, int8_t *copy)
{
    const int32_t channels = c->in->c;
    const int32_t dilation = c->p->dilation.w;
    const edgeq_taps cols = edgeq_clip_taps(w.x, c->in->w, c->filter->w, dilation);
    const int32_t bytes = c->filter->w * channels;
    /* Taps that are neighbours are copied in one run. */
    const int32_t run = dilation == 1 ? cols.end - cols.first : 1;
    int32_t row, col;

    if (!w.is_inside) {
        memset(copy, -c->p->input_offset, (size_t)(bytes * c->filter->h));
    }
    for (row = 0; row < c->filter->h; ++row, copy += bytes, w.y += c->p->dilation.h) {
        if (w.y >= 0 && w.y < c->in->h) {
            const int8_t *const x = w.image + (w.y * c->in->w + w.x) * channels;
            for (col = cols.first; col < cols.end; col += run) {
                edgeq_copy_few(copy + col * channels, x + col * dilation * channels, run * channels);
            }
        }
    }
}

/* Whether a window on the image is one run of bytes, as it is in the filter. */
static inline bool edgeq_is_run(const edgeq_cursor *c)
{
    const bool is_row = c->filter->w == 1 || c->p->dilation.w == 1;
    const bool is_whole = c->filter->w == c->in->w && c->p->dilation.h == 1;
    return is_row && (c->filter->h == 1 || is_whole);
}

/* The next window's bytes: on the image where `in_place` allows it and it does not hang over, else in `copy`. */
static inline const int8_t *edgeq_next_bytes(edgeq_cursor *c, bool in_place, int8_t *copy)
{
    const edgeq_place w = edgeq_next_window(c);

    if (in_place && w.is_inside) {
        return w.image + w.at;
    }
    edgeq_copy_window(c, w, copy);
    return copy;
}

#endif
