/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of at most 32 signs by signs, and dense layers of as many.
 *
 * A window is one word of bits. Windows of 16 and fewer are in it twice, of 8 and fewer up to four times, where there are
 * as many output channels: then one exclusive or and one count serve them all. Where no product is left out, the result of
 * each number of unlike signs is looked up. Where windows hang over an edge, a mask leaves out what is not on the image,
 * and results are computed.
 *
 * Windows in one row of an image are packed where they are; for others, the image becomes bits first (edgeq_bit_rows.h).
 */
#include "edgeq_bit_rows.h"
#include "edgeq_bits.h"
#include "edgeq_convolution.h"
#include "edgeq_kernels_binary.h"

/* So many windows are made at a time. */
#define WINDOWS 32

/* A window's bits, once for each channel of a record, and those of them that are on the image. */
typedef struct {
    uint32_t bits;
    uint32_t mask;
    int32_t missing; /* products that the mask leaves out */
} window;

/* What makes a result of a number of unlike signs. */
typedef enum { BY_TABLE, BY_TWO_WORDS, BY_LONG_TABLE } results;

typedef struct {
    results by;
    int32_t inputs;   /* of a window */
    int32_t channels; /* of the output */
    int32_t lanes;    /* channels of a record */
    uint32_t repeat;  /* by this much a window is multiplied to be there for all of them */
    const int32_t *packed;
    int32_t low;
    int32_t high;
} layer;

/* Windows one after the other, and where the results of the first of them belong. */
typedef struct {
    const layer *v;
    int8_t *y;
    int32_t count;
    window made[WINDOWS];
} batch;

static layer make_layer(results by, int32_t inputs, int32_t channels, const int32_t *packed)
{
    layer v = {by, inputs, channels, 1, 1, packed, INT8_MIN, INT8_MAX};

    if (by == BY_TABLE && inputs <= 8 && channels >= 4) {
        v.lanes = 4;
        v.repeat = 0x01010101u;
    } else if (inputs <= 16 && channels >= 2) {
        v.lanes = 2;
        v.repeat = 0x00010001u;
    }
    return v;
}

/* Bit i: whether x[i] is not below the threshold, i < count <= 32. */
static inline uint32_t window_signs(edgeq_threshold t, int32_t threshold, const int8_t *x, int32_t count)
{
    uint32_t bits = 0;
    int32_t i;

    if (EDGEQ_HAS_SHORT_CUTS && count == 8) {
        return edgeq_side_by_side(edgeq_reach(t, edgeq_load_s8x4(x)), edgeq_reach(t, edgeq_load_s8x4(x + 4)));
    }
    for (i = 0; i + 8 <= count; i += 8) {
        const uint32_t first = edgeq_reach(t, edgeq_load_s8x4(x + i));
        bits |= edgeq_side_by_side(first, edgeq_reach(t, edgeq_load_s8x4(x + i + 4))) << i;
    }
    if (i + 4 <= count) {
        bits |= edgeq_side_by_side(edgeq_reach(t, edgeq_load_s8x4(x + i)), 0u) << i;
        i += 4;
    }
    for (; i < count; ++i) {
        bits |= (uint32_t)(x[i] >= threshold) << i;
    }
    return bits;
}

/* How many bits of each byte of x are set. */
static inline uint32_t bits_of_bytes(edgeq_fields f, uint32_t x)
{
    const uint32_t nibbles = edgeq_bits_of_nibbles(f, x);
    return (nibbles + (nibbles >> 4)) & f.nibbles;
}

/* base + the byte of x from that bit on. */
static inline const int8_t *beyond(const int8_t *base, uint32_t x, int32_t bit)
{
#if defined(__ARM_FEATURE_DSP)
    const int8_t *sum;
    if (bit == 8) {
        __asm__("uxtab %0, %1, %2, ror #8" : "=r"(sum) : "r"(base), "r"(x));
        return sum;
    }
    if (bit == 16) {
        __asm__("uxtab %0, %1, %2, ror #16" : "=r"(sum) : "r"(base), "r"(x));
        return sum;
    }
#endif
    return base + ((x >> bit) & 0xffu);
}

/* The results of a record's channels, of whose bits and the weights' so many bits of each byte differ. */
static inline __attribute__((always_inline)) void look_up_record(int32_t lanes, bool has_nine, const int8_t *table,
                                                                 uint32_t counts, int8_t *y)
{
    if (lanes == 1) {
        y[0] = table[edgeq_add_four_bytes(0, counts)];
    } else if (lanes == 2) {
        counts = (has_nine ? counts + (counts >> 8) : counts) << 1;
        y[0] = *beyond(table, counts, 0);
        y[1] = beyond(table, counts, 16)[1];
    } else {
        counts <<= 2;
        y[0] = *beyond(table, counts, 0);
        y[1] = beyond(table, counts, 8)[1];
        y[2] = beyond(table, counts, 16)[2];
        y[3] = table[(counts >> 24) + 3u];
    }
}

/* The channels of so many windows by tables, `lanes` channels to a record. The last record is of the last channels: it may
 * compute some again. */
static inline __attribute__((always_inline)) void look_up(const layer *v, int32_t lanes, const window *x, int32_t windows,
                                                          int8_t *y)
{
    const edgeq_fields f = edgeq_make_fields();
    const int32_t record = 1 + (lanes * (v->inputs + 1) + 3) / 4;
    const bool has_nine = v->inputs > 8;
    const int32_t channels = v->channels;
    const window *const end = x + windows;
    int8_t *const last = y + channels - lanes;
    const int32_t *k = v->packed;

    if (EDGEQ_HAS_SHORT_CUTS && windows == 1) {
        const uint32_t bits = x->bits;
        for (;; k += record) {
            look_up_record(lanes, has_nine, (const int8_t *)(k + 1), bits_of_bytes(f, bits ^ (uint32_t)*k), y);
            if (y == last) {
                return;
            }
            y += lanes;
            y = y < last ? y : last;
        }
    }
    for (;; k += record) {
        const uint32_t weights = (uint32_t)*k;
        const window *each = x;
        int8_t *to = y;

        do {
            look_up_record(lanes, has_nine, (const int8_t *)(k + 1), bits_of_bytes(f, each->bits ^ weights), to);
            ++each;
            to += channels;
        } while (each != end);
        if (y == last) {
            return;
        }
        y = last - y > lanes ? y + lanes : last;
    }
}

/* The channels of so many windows, one or two to a record. */
static inline __attribute__((always_inline)) void compute(const layer *v, int32_t lanes, bool by_two_words,
                                                          const window *x, int32_t windows, int8_t *y)
{
    const edgeq_fields f = edgeq_make_fields();
    const int32_t words = by_two_words ? 2 * lanes : (lanes * (2 * v->inputs + 1) + 3) / 4;
    const int32_t channels = v->channels;
    const window *const end = x + windows;
    int8_t *const last = y + channels - lanes;
    const int32_t *k = v->packed;

    for (;;) {
        const uint32_t weights = (uint32_t)*k++;
        const int8_t *const table = (const int8_t *)k;
        const window *each = x;
        int8_t *to = y;

        do {
            uint32_t counts = bits_of_bytes(f, (each->bits ^ weights) & each->mask);
            int32_t first = each->missing; /* taken off the sum of each channel */
            int32_t second = each->missing;

            if (lanes == 1) {
                first += 2 * edgeq_add_four_bytes(0, counts);
                to[0] = by_two_words ? edgeq_finish_few_s8(first, k[0], (uint32_t)k[1]) : table[first];
            } else {
                counts += counts >> 8;
                first += 2 * (int32_t)(counts & 0xffu);
                second += 2 * (int32_t)((counts >> 16) & 0xffu);
                to[0] = by_two_words ? edgeq_finish_few_s8(first, k[0], (uint32_t)k[1]) : table[2 * first];
                to[1] = by_two_words ? edgeq_finish_few_s8(second, k[2], (uint32_t)k[3]) : table[2 * second + 1];
            }
            ++each;
            to += channels;
        } while (each != end);
        if (y == last) {
            return;
        }
        /* The last record is of the last channels: it may compute one again. */
        y = last - y > lanes ? y + lanes : last;
        k += words;
    }
}

static EDGEQ_NOINLINE void look_up_fours(const layer *v, const window *x, int32_t windows, int8_t *y)
{
    look_up(v, 4, x, windows, y);
}

static EDGEQ_NOINLINE void look_up_twos(const layer *v, const window *x, int32_t windows, int8_t *y)
{
    look_up(v, 2, x, windows, y);
}

static EDGEQ_NOINLINE void look_up_ones(const layer *v, const window *x, int32_t windows, int8_t *y)
{
    look_up(v, 1, x, windows, y);
}

static EDGEQ_NOINLINE void compute_twos(const layer *v, const window *x, int32_t windows, int8_t *y)
{
    if (v->by == BY_TWO_WORDS) {
        compute(v, 2, true, x, windows, y);
    } else {
        compute(v, 2, false, x, windows, y);
    }
}

static EDGEQ_NOINLINE void compute_ones(const layer *v, const window *x, int32_t windows, int8_t *y)
{
    if (v->by == BY_TWO_WORDS) {
        compute(v, 1, true, x, windows, y);
    } else {
        compute(v, 1, false, x, windows, y);
    }
}

static void look_up_any(const layer *v, const window *x, int32_t windows, int8_t *y)
{
    if (v->lanes == 4) {
        look_up_fours(v, x, windows, y);
    } else if (v->lanes == 2) {
        look_up_twos(v, x, windows, y);
    } else {
        look_up_ones(v, x, windows, y);
    }
}

/* The results of the windows that there are. */
static EDGEQ_NOINLINE void finish(batch *g)
{
    const layer *const v = g->v;
    int32_t left = g->count * v->channels;

    if (v->by == BY_TABLE) {
        look_up_any(v, g->made, g->count, g->y);
    } else {
        if (v->lanes == 2) {
            compute_twos(v, g->made, g->count, g->y);
        } else {
            compute_ones(v, g->made, g->count, g->y);
        }
        if (v->by == BY_TWO_WORDS && (v->low > -128 || v->high < 127)) {
            for (; left > 0; --left, ++g->y) {
                *g->y = (int8_t)edgeq_clamp(*g->y, v->low, v->high);
            }
        }
    }
    g->y += left;
    g->count = 0;
}

/* How many of so many windows the next run has, all of which are to be made from g->made[g->count] on. */
static inline int32_t next_run(batch *g, int32_t windows)
{
    int32_t room;

    if (g->count == WINDOWS) {
        finish(g);
    }
    room = WINDOWS - g->count;
    return windows < room ? windows : room;
}

/* Makes windows of inputs that follow each other, `step` inputs apart and so near that they become one string first. */
static EDGEQ_NOINLINE void take_neighbours(batch *g, int32_t threshold, const int8_t *x, int32_t step, int32_t windows)
{
    const layer *const v = g->v;
    const uint32_t mask = edgeq_low_bits(v->inputs);
    uint32_t string[WINDOWS + 1];

    while (windows > 0) {
        const int32_t some = next_run(g, windows);
        const int32_t inputs = (some - 1) * step + v->inputs;
        window *to = g->made + g->count;
        const window *const end = to + some;
        int32_t at = 0;

        string[inputs / 32] = 0;
        string[(inputs + 31) / 32] = 0;
        edgeq_pack_signs(edgeq_make_threshold(threshold), threshold, x, inputs, string);
        if (EDGEQ_HAS_SHORT_CUTS && v->inputs <= 25) {
            for (; to != end; ++to, at += step) {
                to->bits = (edgeq_few_bits_at(string, at) & mask) * v->repeat;
            }
        } else {
            for (; to != end; ++to, at += step) {
                to->bits = (edgeq_bits_at(string, at) & mask) * v->repeat;
            }
        }
        g->count += some;
        x += some * step;
        windows -= some;
    }
}

/* The same of any, of `rows` rows, `pitch` inputs apart. */
static EDGEQ_NOINLINE void take_in_place(batch *g, int32_t threshold, const int8_t *x, int32_t step, int32_t rows,
                                         int32_t pitch, int32_t windows)
{
    const edgeq_threshold level = edgeq_make_threshold(threshold);
    const int32_t inputs = g->v->inputs / rows;

    for (; windows > 0; --windows, x += step) {
        const int8_t *from = x;
        uint32_t bits = 0;
        int32_t row;

        for (row = 0; row < rows; ++row, from += pitch) {
            bits |= window_signs(level, threshold, from, inputs) << (row * inputs);
        }
        if (g->count == WINDOWS) {
            finish(g);
        }
        g->made[g->count++].bits = bits * g->v->repeat;
    }
}

/* The part of the window at that bit that is on the image; `ones` is a string of an image that is 1 all over. */
static EDGEQ_NOINLINE void make_mask(const layer *v, const edgeq_bit_rows *b, edgeq_band ones, int32_t at, window *to)
{
    const uint32_t mask = edgeq_take_word(b, ones, 0, at);
    const uint32_t nibbles = edgeq_bits_of_nibbles(edgeq_make_fields(), mask);

    to->mask = mask * v->repeat;
    to->missing = v->inputs - edgeq_add_nibbles(edgeq_make_fields(), 0, nibbles);
}

/* A row of windows; `ones` is a string of an image that is 1 all over. */
static EDGEQ_NOINLINE void take_row(batch *g, const edgeq_bit_rows *b, edgeq_band band, const uint32_t *ones,
                                    int32_t windows)
{
    const layer *const v = g->v;
    const edgeq_band all = {ones, band.taps};
    const uint32_t mask = edgeq_low_bits(band.taps.end * b->row_bits) & ~edgeq_low_bits(band.taps.first * b->row_bits);
    const int32_t missing = v->inputs - (band.taps.end - band.taps.first) * b->row_bits;
    int32_t at = b->first;

    while (windows > 0) {
        const int32_t some = next_run(g, windows);
        window *to = g->made + g->count;
        const window *const end = to + some;

        for (; to != end; ++to, at += b->step) {
            to->bits = edgeq_take_word(b, band, b->row_step, at) * v->repeat;
            to->mask = mask * v->repeat;
            to->missing = missing;
            if (v->by != BY_TABLE && (at < b->front || at > b->last)) {
                make_mask(v, b, all, at, to);
            }
        }
        g->count += some;
        windows -= some;
    }
}

/* Windows whose inputs are packed where they are. */
static void take_all_in_place(batch *g, const cmsis_nn_conv_params *p, int32_t threshold, const cmsis_nn_dims *in,
                              const int8_t *x, const cmsis_nn_dims *filter, const cmsis_nn_dims *out)
{
    const int32_t width = in->w * in->c;
    const int32_t step = p->stride.w * in->c;
    /* Rows that follow each other without a gap are one. */
    const bool is_dense = filter->h == 1 && p->stride.h * width == out->w * step && out->h * p->stride.h == in->h;
    const int32_t rows = is_dense ? 1 : out->h;
    const int32_t windows = is_dense ? in->n * out->h * out->w : out->w;
    int32_t n, oy;

    for (n = is_dense ? 1 : in->n; n > 0; --n, x += in->h * width) {
        for (oy = 0; oy < rows; ++oy) {
            const int8_t *const row = x + oy * p->stride.h * width;
            if (filter->h == 1 && step <= g->v->inputs) {
                take_neighbours(g, threshold, row, step, windows);
            } else {
                take_in_place(g, threshold, row, step, filter->h, p->dilation.h * width, windows);
            }
        }
    }
}

static arm_cmsis_nn_status convolve(const cmsis_nn_context *ctx, const cmsis_nn_conv_params *p, int32_t threshold,
                                    const cmsis_nn_dims *in, const int8_t *x, const cmsis_nn_dims *filter,
                                    const int32_t *packed, results by, const cmsis_nn_dims *out, int8_t *y)
{
    const int32_t width = in->w * in->c;
    layer v = make_layer(by, filter->h * filter->w * in->c, out->c, packed);
    edgeq_bit_rows b;
    const uint32_t *ones = NULL;
    int32_t n, oy;
    batch g;

    if (!edgeq_is_convolution(p, in, filter, out) || v.inputs > 32) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    v.low = p->activation.min;
    v.high = p->activation.max;
    g.v = &v;
    g.y = y;
    g.count = 0;
    if (by == BY_TABLE && edgeq_are_in_place(p, in, filter, out) && (filter->h == 1 || edgeq_are_apart(p, filter))) {
        take_all_in_place(&g, p, threshold, in, x, filter, out);
        finish(&g);
        return ARM_CMSIS_NN_SUCCESS;
    }
    b = edgeq_make_bit_rows(p, in, filter, out, ctx->buf);
    if (ctx->buf == NULL || ctx->size < 4 * b.pitch * (b.height + (by != BY_TABLE))) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    if (by != BY_TABLE) {
        ones = edgeq_make_ones(&b);
    }
    for (n = 0; n < in->n; ++n, x += in->h * width) {
        edgeq_pack_rows(&b, threshold, x, width);
        for (oy = 0; oy < out->h; ++oy) {
            const edgeq_band band = edgeq_band_of(&b, p, in, filter, oy * p->stride.h - p->padding.h);
            take_row(&g, &b, band, ones, out->w);
        }
    }
    finish(&g);
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status edgeq_binary_convolve_table_s8(const cmsis_nn_context *ctx,
                                                   const cmsis_nn_conv_params *conv_params,
                                                   int32_t threshold,
                                                   const cmsis_nn_dims *input_dims,
                                                   const int8_t *input_data,
                                                   const cmsis_nn_dims *filter_dims,
                                                   const int32_t *packed,
                                                   const cmsis_nn_dims *output_dims,
                                                   int8_t *output_data)
{
    return convolve(ctx, conv_params, threshold, input_dims, input_data, filter_dims, packed, BY_TABLE, output_dims,
                    output_data);
}

arm_cmsis_nn_status edgeq_binary_convolve_few_s8(const cmsis_nn_context *ctx,
                                                 const cmsis_nn_conv_params *conv_params,
                                                 int32_t threshold,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 bool by_two_words,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data)
{
    return convolve(ctx, conv_params, threshold, input_dims, input_data, filter_dims, packed,
                    by_two_words ? BY_TWO_WORDS : BY_LONG_TABLE, output_dims, output_data);
}

arm_cmsis_nn_status edgeq_binary_fully_connected_table_s8(int32_t threshold,
                                                          const cmsis_nn_dims *input_dims,
                                                          const int8_t *input_data,
                                                          const cmsis_nn_dims *filter_dims,
                                                          const int32_t *packed,
                                                          const cmsis_nn_dims *output_dims,
                                                          int8_t *output_data)
{
    const int32_t depth = filter_dims->n;
    const layer v = make_layer(BY_TABLE, depth, output_dims->c, packed);
    int32_t left;

    if (depth < 1 || depth > 32 || output_dims->c < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (left = input_dims->n; left > 0; --left, input_data += depth, output_data += output_dims->c) {
        window x;
        x.bits = window_signs(edgeq_make_threshold(threshold), threshold, input_data, depth) * v.repeat;
        look_up_any(&v, &x, 1, output_data);
    }
    return ARM_CMSIS_NN_SUCCESS;
}
