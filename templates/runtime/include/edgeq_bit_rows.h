/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images of signs, and windows taken from them. Each row of an image is one string of bits, all channels of a pixel side
 * by side and pixel by pixel, in words of its own; what lies beside the image is 0. The taps of a window's row that are
 * neighbours are neighbours in the string too: so many bits are a window's next ones, wherever a byte ends.
 */
#ifndef EDGEQ_BIT_ROWS_H
#define EDGEQ_BIT_ROWS_H

#include "arm_nnfunctions.h"
#include "edgeq_bits.h"
#include "edgeq_copy.h"
#include "edgeq_window.h"

/* So many bits, up to 32, from the lowest on. */
static inline uint32_t edgeq_low_bits(int32_t count)
{
    return count > 31 ? 0xffffffffu : (1u << count) - 1u;
}

/* How bits that are neighbours are taken from a string: by pieces of 24, then what is left, up to 25. */
typedef struct {
    int32_t pieces;
    int32_t rest;
    uint32_t mask; /* of the rest */
} edgeq_bit_run;

/* Strings, and how windows lie on them. */
typedef struct {
    uint32_t *strings;
    int32_t pitch;     /* words of a string */
    int32_t height;    /* rows of the image that windows reach */
    int32_t columns;   /* the same of columns, in inputs */
    int32_t front;     /* bits before the image, whole bytes */
    int32_t first;     /* the bit where windows of the first column begin */
    int32_t step;      /* bits from window to window */
    int32_t last;      /* where the last window begins that does not hang over the right edge */
    int32_t run;       /* bits that are neighbours in a row of a window, */
    edgeq_bit_run by;  /* and how they are taken */
    int32_t runs;      /* of them in a row */
    int32_t run_step;  /* bits from run to run */
    int32_t row_bits;  /* all of a row of a window */
    int32_t row_step;  /* words from row to row of a window */
} edgeq_bit_rows;

/* Of the rows of a window those on the image, and the first of them. */
typedef struct {
    const uint32_t *row;
    edgeq_taps taps;
} edgeq_band;

/* Whether the inputs of each row of a window follow each other, none of them beside the image. */
static inline bool edgeq_are_in_place(const cmsis_nn_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                                      const cmsis_nn_dims *out)
{
    return (filter->w == 1 || p->dilation.w == 1) && p->padding.w == 0 && p->padding.h == 0 &&
           (out->w - 1) * p->stride.w + filter->w <= in->w &&
           (out->h - 1) * p->stride.h + (filter->h - 1) * p->dilation.h + 1 <= in->h;
}

/* Whether windows share so little that each may as well become bits by itself. */
static inline bool edgeq_are_apart(const cmsis_nn_conv_params *p, const cmsis_nn_dims *filter)
{
    return filter->h * filter->w <= 4 * p->stride.h * p->stride.w;
}

static inline edgeq_bit_rows edgeq_make_bit_rows(const cmsis_nn_conv_params *p, const cmsis_nn_dims *in,
                                                 const cmsis_nn_dims *filter, const cmsis_nn_dims *out, void *strings)
{
    const int32_t c = in->c;
    const int32_t reach = (filter->w - 1) * p->dilation.w + 1;
    const int32_t right = (out->w - 1) * p->stride.w - p->padding.w + reach;
    const int32_t bottom = (out->h - 1) * p->stride.h - p->padding.h + (filter->h - 1) * p->dilation.h + 1;
    const bool is_dense = p->dilation.w == 1;
    edgeq_bit_rows b;

    b.strings = strings;
    b.front = (p->padding.w * c + 7) / 8 * 8;
    b.columns = edgeq_clamp(right, 0, in->w) * c;
    b.height = edgeq_clamp(bottom, 0, in->h);
    /* Bits are taken from two words each time. */
    b.pitch = (b.front + right * c + 31) / 32 + 1;
    b.first = b.front - p->padding.w * c;
    b.step = p->stride.w * c;
    b.last = b.front + (in->w - reach) * c;
    b.run = is_dense ? filter->w * c : c;
    b.by.pieces = (b.run - 2) / 24;
    b.by.rest = b.run - 24 * b.by.pieces;
    b.by.mask = edgeq_low_bits(b.by.rest);
    b.runs = is_dense ? 1 : filter->w;
    b.run_step = p->dilation.w * c;
    b.row_bits = filter->w * c;
    b.row_step = p->dilation.h * b.pitch;
    return b;
}

/* Makes strings of an image whose rows are `width` inputs. */
static EDGEQ_NOINLINE void edgeq_pack_rows(const edgeq_bit_rows *b, int32_t threshold, const int8_t *x, int32_t width)
{
    const edgeq_threshold level = edgeq_make_threshold(threshold);
    int8_t *string = (int8_t *)b->strings;
    int32_t left;

    for (left = b->height; left > 0; --left, x += width, string += 4 * b->pitch) {
        edgeq_fill_few(string, 0, 4 * b->pitch);
        edgeq_pack_signs(level, threshold, x, b->columns, string + b->front / 8);
    }
}

/* Makes the string of an image that is 1 all over, behind the image's; it. */
static inline const uint32_t *edgeq_make_ones(const edgeq_bit_rows *b)
{
    uint32_t *const string = b->strings + b->height * b->pitch;
    int8_t *const bytes = (int8_t *)string + b->front / 8;
    const int32_t count = b->columns / 8;

    edgeq_fill_few((int8_t *)string, 0, 4 * b->pitch);
    edgeq_fill_few(bytes, -1, count);
    if (b->columns % 8 != 0) {
        bytes[count] = (int8_t)((1 << b->columns % 8) - 1);
    }
    return string;
}

/* The windows of a row of results, whose top is at y on the image. */
static inline edgeq_band edgeq_band_of(const edgeq_bit_rows *b, const cmsis_nn_conv_params *p, const cmsis_nn_dims *in,
                                       const cmsis_nn_dims *filter, int32_t y)
{
    edgeq_band band;

    band.taps = edgeq_clip_taps(y, in->h, filter->h, p->dilation.h);
    if (band.taps.end <= band.taps.first) {
        band.taps.first = band.taps.end = 0;
        band.row = b->strings;
    } else {
        band.row = b->strings + (y + band.taps.first * p->dilation.h) * b->pitch;
    }
    return band;
}

/* Bits from that one of a string on, as many as a word has; it and the next word are read. */
static inline uint32_t edgeq_bits_at(const uint32_t *string, int32_t at)
{
    const uint32_t *const word = string + (at >> 5);
    const uint32_t shift = (uint32_t)at & 31u;

    return word[0] >> shift | (word[1] << 1) << (31u - shift);
}

/* The same where 25 bits will do, in fewer instructions on most cores. */
static inline uint32_t edgeq_few_bits_at(const uint32_t *string, int32_t at)
{
    return edgeq_load_s8x4((const int8_t *)string + (at >> 3)) >> ((uint32_t)at & 7u);
}

/* The window at that bit, of up to 32 bits; row_step: words from row to row. */
static inline uint32_t edgeq_take_word(const edgeq_bit_rows *b, edgeq_band band, int32_t row_step, int32_t at)
{
    const uint32_t mask = edgeq_low_bits(b->run);
    const int32_t end = band.taps.end * b->row_bits;
    int32_t place = band.taps.first * b->row_bits;
    uint32_t bits = 0;

    if (EDGEQ_HAS_SHORT_CUTS && b->runs == 1 && b->run <= 25) {
        const int8_t *x = (const int8_t *)band.row + (at >> 3);
        for (; place < end; place += b->run, x += 4 * row_step) {
            bits |= (edgeq_load_s8x4(x) >> (at & 7) & mask) << place;
        }
        return bits;
    }
    for (; place < end; band.row += row_step) {
        int32_t from = at;
        int32_t runs = b->runs;
        do {
            bits |= (edgeq_bits_at(band.row, from) & mask) << place;
            place += b->run;
            from += b->run_step;
        } while (--runs > 0);
    }
    return bits;
}

#endif
