/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows of a convolution widened to int16, four output pixels side by side: word i of pixel p is at 4 i + p, two inputs
 * in its lanes. Inputs of 4 pixels then serve all output channels. Inputs of int16 are laid out in the same way.
 */
#ifndef EDGEQ_WIDENED_H
#define EDGEQ_WIDENED_H

#include "edgeq_cursor.h"
#include "edgeq_dsp.h"

/* Pixels whose windows lie side by side. */
#define EDGEQ_WIDENED 4

/* What all windows have in common. */
typedef struct {
    int32_t runs;     /* of neighbouring bytes in a window */
    int32_t bytes;    /* of a run */
    int32_t steps;    /* pairs of inputs of a window: an even number */
    int32_t channels; /* of the output */
    int32_t y_step;   /* bytes from pixel to pixel of the output */
    uint32_t *spare;  /* what memory there is behind the widened windows, while channels are computed */
    bool is_plain;    /* whether saturation to int8 cuts off what is below the zero point */
    bool has_one_shift; /* whether edgeq_finish_at_once_s8 serves all channels */
    bool is_limited;  /* whether the activation is narrower than the type */
    int32_t low;
    int32_t high;
} edgeq_widened;

/* All channels of four pixels, whose widened windows are at x; packed is the layer's table. */
typedef void (*edgeq_convolve_widened)(const edgeq_widened *v, const uint32_t *x, const int32_t *packed, int8_t *y);

/* Lays out windows, `step` bytes apart, of v->runs runs, the first at x, `pitch` bytes apart. */
typedef void (*edgeq_lay_windows)(const edgeq_widened *v, const int8_t *x, int32_t pitch, int32_t step, int32_t windows,
                                  uint32_t *to);

/* The same of four pixels as windows. */
typedef void (*edgeq_lay_pixels)(const edgeq_widened *v, const int8_t *x, int32_t step, uint32_t *to);

/* edgeq_lay_one_by_one of such windows. */
typedef bool (*edgeq_lay_next)(const edgeq_widened *v, edgeq_cursor *c, int32_t count, int32_t pitch, int32_t size,
                               uint32_t *to);

/*
 * Widens a window of `runs` runs, the first at x, `pitch` bytes apart, into every fourth word from `to` on: of each run
 * its whole words as lanes of bytes 0 and 2 and lanes of 1 and 3, then, of all runs, the bytes that remain, two by two.
 */
static inline void edgeq_widen_runs(int32_t runs, int32_t bytes, const int8_t *x, int32_t pitch, uint32_t *to)
{
    const int32_t rest = bytes & 3;
    const int32_t words = bytes >> 2;
    uint32_t *to_rest = to + 2 * EDGEQ_WIDENED * words * runs;
    int32_t count = 0; /* of bytes that remained so far */
    int32_t run, i;

    for (run = 0; run < runs; ++run, x += pitch) {
        const int8_t *p = x;
        for (i = words; i >= 2; i -= 2) {
            const uint32_t first = edgeq_load_s8x4(p);
            const uint32_t second = edgeq_load_s8x4(p + 4);
            to[0] = edgeq_even_bytes(first);
            to[EDGEQ_WIDENED] = edgeq_odd_bytes(first);
            to[2 * EDGEQ_WIDENED] = edgeq_even_bytes(second);
            to[3 * EDGEQ_WIDENED] = edgeq_odd_bytes(second);
            to += 4 * EDGEQ_WIDENED;
            p += 8;
        }
        if (i != 0) {
            const uint32_t first = edgeq_load_s8x4(p);
            to[0] = edgeq_even_bytes(first);
            to[EDGEQ_WIDENED] = edgeq_odd_bytes(first);
            to += 2 * EDGEQ_WIDENED;
            p += 4;
        }
        for (i = 0; i < rest; ++i, ++count) {
            const uint32_t byte = (uint32_t)(int32_t)p[i];
            /* The first of two sets the word, its high lane to 0. */
            if ((count & 1) == 0) {
                *to_rest = byte & 0xffffu;
            } else {
                *to_rest = edgeq_low_lanes(*to_rest, byte);
                to_rest += EDGEQ_WIDENED;
            }
        }
    }
}

/*
 * The first layer of most that see colours: windows of three rows of three pixels of three bytes, `step` bytes apart,
 * without loops over rows.
 */
static inline void edgeq_widen_3x3x3(const int8_t *x, int32_t pitch, int32_t step, int32_t windows, uint32_t *to)
{
    for (; windows > 0; --windows, x += step, ++to) {
        const int8_t *row = x;
        uint32_t *at = to;
        uint32_t last[3];
        int32_t run;

#pragma GCC unroll 3
        for (run = 0; run < 3; ++run, row += pitch, at += 4 * EDGEQ_WIDENED) {
            const uint32_t first = edgeq_load_s8x4(row);
            const uint32_t second = edgeq_load_s8x4(row + 4);
            last[run] = (uint32_t)(int32_t)row[8];
            at[0] = edgeq_even_bytes(first);
            at[EDGEQ_WIDENED] = edgeq_odd_bytes(first);
            at[2 * EDGEQ_WIDENED] = edgeq_even_bytes(second);
            at[3 * EDGEQ_WIDENED] = edgeq_odd_bytes(second);
        }
        at[0] = edgeq_low_lanes(last[0], last[1]);
        at[EDGEQ_WIDENED] = last[2] & 0xffffu;
    }
}

/* Windows that lie `step` bytes apart. */
static EDGEQ_NOINLINE void edgeq_widen(const edgeq_widened *v, const int8_t *x, int32_t pitch, int32_t step, int32_t windows, uint32_t *to)
{
    if (EDGEQ_HAS_SHORT_CUTS && v->runs == 3 && v->bytes == 9) {
        edgeq_widen_3x3x3(x, pitch, step, windows, to);
        return;
    }
    for (; windows > 0; --windows, x += step, ++to) {
        edgeq_widen_runs(v->runs, v->bytes, x, pitch, to);
    }
}

/* The same for four pixels as windows, `step` bytes apart. */
static EDGEQ_NOINLINE void edgeq_widen_pixels(const edgeq_widened *v, const int8_t *x, int32_t step, uint32_t *to)
{
    const int32_t rest = v->bytes & 3;
    const int8_t *const whole = x + (v->bytes - rest);
    int32_t i;

    for (; x != whole; x += 4, to += 2 * EDGEQ_WIDENED) {
        const int8_t *const third = x + 2 * step;
        const uint32_t p = edgeq_load_s8x4(x);
        const uint32_t q = edgeq_load_s8x4(x + step);
        const uint32_t r = edgeq_load_s8x4(third);
        const uint32_t s = edgeq_load_s8x4(third + step);
        to[0] = edgeq_even_bytes(p);
        to[1] = edgeq_even_bytes(q);
        to[2] = edgeq_even_bytes(r);
        to[3] = edgeq_even_bytes(s);
        to[EDGEQ_WIDENED] = edgeq_odd_bytes(p);
        to[EDGEQ_WIDENED + 1] = edgeq_odd_bytes(q);
        to[EDGEQ_WIDENED + 2] = edgeq_odd_bytes(r);
        to[EDGEQ_WIDENED + 3] = edgeq_odd_bytes(s);
    }
    for (i = 0; i < rest; i += 2, x += 2) {
        const int8_t *p = x;
        int32_t pixel;
        for (pixel = 0; pixel < EDGEQ_WIDENED; ++pixel, p += step) {
            const uint32_t second = i + 1 < rest ? (uint32_t)(int32_t)p[1] : 0u;
            *to++ = edgeq_low_lanes((uint32_t)(int32_t)p[0], second);
        }
    }
}

/*
 * The next windows, `count` of them or one four times; those that hang over, and all where pitch is 0, are copied first,
 * behind what is widened. False where `size`, of that memory in bytes, is too small.
 */
static inline __attribute__((always_inline)) bool edgeq_lay_one_by_one(const edgeq_widened *v, edgeq_cursor *c,
                                                                       int32_t count, int32_t pitch, int32_t size,
                                                                       uint32_t *widened, edgeq_lay_windows lay)
{
    int8_t *const copy = (int8_t *)(widened + EDGEQ_WIDENED * v->steps);
    const int32_t step = count == 1 ? 0 : c->step_at; /* where there is no second window it stands still */
    const int32_t times = count == 1 ? EDGEQ_WIDENED : 1;
    int32_t i;

    for (i = 0; i < count; ++i) {
        const edgeq_place w = edgeq_next_window(c);
        if (w.is_inside && pitch != 0) {
            lay(v, w.image + w.at, pitch, step, times, widened + i);
        } else if (size < EDGEQ_WIDENED * v->steps * (int32_t)sizeof(*widened) + v->runs * v->bytes) {
            return false;
        } else {
            edgeq_copy_window(c, w, copy);
            lay(v, copy, v->bytes, step, times, widened + i);
        }
    }
    return true;
}

/* The same of int8. */
static EDGEQ_NOINLINE bool edgeq_widen_one_by_one(const edgeq_widened *v, edgeq_cursor *c, int32_t count, int32_t pitch,
                                                  int32_t size, uint32_t *widened)
{
    return edgeq_lay_one_by_one(v, c, count, pitch, size, widened, edgeq_widen);
}

/*
 * The layer of four pixels at a time, of inputs and results of so many bytes, 1 or 2. Pixels that make no four are
 * computed one at a time, four times each. Inlined, so that no function is a pointer.
 */
static inline __attribute__((always_inline)) arm_cmsis_nn_status edgeq_convolve_laid_out(
    const cmsis_nn_context *ctx, const cmsis_nn_conv_params *conv_params, const cmsis_nn_dims *input_dims,
    const int8_t *input_data, const cmsis_nn_dims *filter_dims, const int32_t *packed, bool one_shift,
    bool backwards, const cmsis_nn_dims *output_dims, int8_t *output_data, int32_t element, edgeq_lay_windows lay,
    edgeq_lay_pixels lay_pixels, edgeq_lay_next lay_next, edgeq_convolve_widened convolve)
{
    const cmsis_nn_conv_params *const p = conv_params;
    const cmsis_nn_dims of_bytes = {input_dims->n, input_dims->h, input_dims->w, input_dims->c * element};
    const cmsis_nn_dims *const in = element == 1 ? input_dims : &of_bytes;
    const int32_t channels = output_dims->c;
    const int32_t pixel = channels * element; /* of the output */
    const int32_t pixels = in->n * output_dims->h * output_dims->w;
    const int32_t size = filter_dims->h * filter_dims->w * in->c;
    const int32_t row = in->w * in->c;
    const bool is_run = p->dilation.w == 1 || filter_dims->w == 1; /* a row of a window */
    int8_t *y = output_data + (backwards ? (pixels - 1) * pixel : 0);
    /* A window is a pixel, and they follow each other. */
    const bool is_pointwise = filter_dims->h == 1 && filter_dims->w == 1 && p->stride.h == 1 && p->stride.w == 1 &&
                              p->padding.h == 0 && p->padding.w == 0 && output_dims->h == in->h &&
                              output_dims->w == in->w;
    const int8_t *x = input_data + (backwards ? (pixels - 1) * size : 0);
    int32_t left = pixels;
    int32_t pitch, words, i;
    uint32_t *widened;
    edgeq_cursor c;
    edgeq_widened v;

    if (!edgeq_is_convolution(p, input_dims, filter_dims, output_dims) || channels < 2) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    /* Taps side by side are one run; with a gap between them and in several rows, every window is copied. */
    v.runs = is_run ? filter_dims->h : 1;
    v.bytes = is_run ? filter_dims->w * in->c : size;
    words = v.bytes / 4 * v.runs * (element == 1 ? 2 : 1) + (v.runs * ((v.bytes & 3) / element) + 1) / 2;
    v.steps = words + (words & 1);
    v.channels = channels;
    v.low = p->activation.min;
    v.high = p->activation.max;
    v.is_limited = v.low > (element == 1 ? -128 : -32768) || v.high < (element == 1 ? 127 : 32767);
    v.is_plain = p->output_offset == -128;
    v.has_one_shift = one_shift;
    pitch = p->dilation.h * row;
    widened = ctx->buf;
    if (widened == NULL || ctx->size < EDGEQ_WIDENED * v.steps * (int32_t)sizeof(*widened)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    v.spare = widened + EDGEQ_WIDENED * v.steps;
    /* Words are an even number: the last ones may hold nothing. */
    for (i = words; i < v.steps; ++i) {
        widened[EDGEQ_WIDENED * i] = 0;
        widened[EDGEQ_WIDENED * i + 1] = 0;
        widened[EDGEQ_WIDENED * i + 2] = 0;
        widened[EDGEQ_WIDENED * i + 3] = 0;
    }
    c = edgeq_first_window(p, in, filter_dims, output_dims, input_data, backwards);
    while (left > 0) {
        const int32_t count = left >= EDGEQ_WIDENED ? EDGEQ_WIDENED : 1;

        if (is_pointwise) {
            const int32_t step = backwards ? -size : size;
            lay_pixels(&v, x, count == 1 ? 0 : step, widened);
            x += count * step;
        } else {
            const int8_t *const inside = count > 1 && is_run ? edgeq_next_windows_inside(&c, EDGEQ_WIDENED) : NULL;
            if (inside != NULL) {
                lay(&v, inside, pitch, c.step_at, EDGEQ_WIDENED, widened);
            } else if (!lay_next(&v, &c, count, is_run ? pitch : 0, ctx->size, widened)) {
                return ARM_CMSIS_NN_ARG_ERROR;
            }
        }
        v.y_step = count == 1 ? 0 : backwards ? -pixel : pixel;
        convolve(&v, widened, packed, y);
        y += backwards ? -count * pixel : count * pixel;
        left -= count;
    }
    return ARM_CMSIS_NN_SUCCESS;
}

/* The same of int8. */
static inline __attribute__((always_inline)) arm_cmsis_nn_status edgeq_convolve_by_four(
    const cmsis_nn_context *ctx, const cmsis_nn_conv_params *conv_params, const cmsis_nn_dims *input_dims,
    const int8_t *input_data, const cmsis_nn_dims *filter_dims, const int32_t *packed, bool one_shift,
    bool backwards, const cmsis_nn_dims *output_dims, int8_t *output_data, edgeq_convolve_widened convolve)
{
    return edgeq_convolve_laid_out(ctx, conv_params, input_dims, input_data, filter_dims, packed, one_shift, backwards,
                                   output_dims, output_data, 1, edgeq_widen, edgeq_widen_pixels, edgeq_widen_one_by_one,
                                   convolve);
}

#endif
