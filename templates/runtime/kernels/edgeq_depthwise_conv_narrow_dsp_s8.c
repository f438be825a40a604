/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution by any windows with weights of -1, 0 and 1 for cores with the DSP extension, by words of four
 * channels (edgeq_narrow_filters.h). Taps beside the image are not walked over: what they add of zero points is the sum
 * of all taps' less that of those on the image, a rectangle, from a table of sums of what lies above and to the left.
 */
#include "edgeq_convolution.h"
#include "edgeq_kernels_narrow.h"
#include "edgeq_narrow_filters.h"

/* The part of a window that lies on the image, and how to walk over it: where windows have one column, it is a row. */
typedef struct {
    int32_t rows;
    int32_t cols;
    int32_t step;       /* bytes from tap to tap */
    int32_t strides[2]; /* bytes from row to row, and from the masks after a row to those of the next */
    int32_t first;      /* words from a record's masks to those of the first tap */
    bool is_whole;
    int32_t above[2]; /* words of the table of sums: to what is above it and to its left, and to its right end */
    int32_t below[2]; /* to its lower end and to the left, and to both ends */
} part;

/* lanes(a) + lanes(b) */
static inline uint32_t add_lanes(uint32_t a, uint32_t b)
{
    return edgeq_sub_lanes(a, edgeq_sub_lanes(0u, b));
}

/* What lies above and to the left of the second corner, less the same of the first. */
static inline edgeq_lane_sums between(const int32_t *table, const int32_t corners[2])
{
    const int32_t *from = table + corners[0];
    const int32_t *to = table + corners[1];
    const edgeq_word_pair less = edgeq_next_pair(&from);
    const edgeq_word_pair more = edgeq_next_pair(&to);
    const edgeq_lane_sums s = {edgeq_sub_lanes(more.first, less.first), edgeq_sub_lanes(more.second, less.second)};
    return s;
}

/* Where sums start: with what taps beside the image add. A table begins with what all taps add. */
static inline edgeq_lane_sums start_of(const part *w, const int32_t *table)
{
    const edgeq_lane_sums above = between(table, w->above);
    const edgeq_lane_sums below = between(table, w->below);
    const edgeq_word_pair all = edgeq_next_pair(&table);
    const edgeq_lane_sums s = {edgeq_sub_lanes(all.first, edgeq_sub_lanes(below.even, above.even)),
                               edgeq_sub_lanes(all.second, edgeq_sub_lanes(below.odd, above.odd))};
    return s;
}

/* Adds the taps on the image, the first of which is at x. */
#if defined(__ARM_FEATURE_DSP)
#define TAP                                                      \
    "ldr %[v], [%[tap]]\n\t"                                     \
    "ldrd %[m], %[n], [%[k]], #8\n\t"                            \
    "add %[tap], %[tap], %[step]\n\t"                            \
    "and %[v], %[v], %[m]\n\t"                                   \
    "eor %[v], %[v], %[n]\n\t"                                   \
    "sxtab16 %[even], %[even], %[v]\n\t"                         \
    "sxtab16 %[odd], %[odd], %[v], ror #8\n\t"

static inline edgeq_lane_sums add_taps(const part *w, edgeq_lane_sums s, const int8_t *x, const int32_t *k)
{
    uint32_t tap, rows, cols, v, m, n;

    __asm__("ldr %[rows], %[all_rows]\n"
            "1:\n\t"
            "ldr %[cols], %[all_cols]\n\t"
            "mov %[tap], %[x]\n\t"
            "tst %[cols], #1\n\t"
            "bne 3f\n"
            "2:\n\t" TAP
            "3:\n\t" TAP
            "subs %[cols], %[cols], #2\n\t"
            "bgt 2b\n\t"
            "ldrd %[m], %[n], %[strides]\n\t"
            "add %[x], %[x], %[m]\n\t"
            "add %[k], %[k], %[n]\n\t"
            "subs %[rows], %[rows], #1\n\t"
            "bne 1b"
            : [even] "+r"(s.even), [odd] "+r"(s.odd), [x] "+r"(x), [k] "+r"(k), [tap] "=&r"(tap), [rows] "=&r"(rows),
              [cols] "=&r"(cols), [v] "=&r"(v), [m] "=&r"(m), [n] "=&r"(n)
            : [step] "r"(w->step), [all_rows] "m"(w->rows), [all_cols] "m"(w->cols), [strides] "m"(w->strides)
            : "cc", "memory");
    return s;
}
#else
static inline edgeq_lane_sums add_taps(const part *w, edgeq_lane_sums s, const int8_t *x, const int32_t *k)
{
    int32_t row, col;

    for (row = 0; row < w->rows; ++row, x += w->strides[0], k += w->strides[1] / (int32_t)sizeof(*k)) {
        for (col = 0; col < w->cols; ++col) {
            s = edgeq_add_masked(s, edgeq_load_s8x4(x + col * w->step), edgeq_next_pair(&k));
        }
    }
    return s;
}
#endif

/* A pixel's results; x: the first tap on the image, tables: of sums, one for every four channels. */
static EDGEQ_NOINLINE void convolve(const edgeq_filters *f, const part *w, const int8_t *x, const int32_t *tables,
                                    int32_t table_size, int8_t *y)
{
    const int32_t *k = f->masks + w->first;
    int32_t c = 0;

    for (;; tables += table_size, k += 2 * f->taps) {
        edgeq_lane_sums s = {EDGEQ_HALF_STARTS, EDGEQ_HALF_STARTS};

        if (!w->is_whole) {
            s = start_of(w, tables);
        }
        if (w->rows > 0) {
            s = add_taps(w, s, x + c, k);
        }
        edgeq_finish_four(f, s, f->quant + c * f->words, y + c);
        if (c == f->channels - EDGEQ_FILTERS) {
            return;
        }
        c = edgeq_next_filters(c, f->channels);
    }
}

/* The tables of sums: of every four channels what all taps add to their start; then two words for each corner of taps. */
static EDGEQ_NOINLINE void sum_up(const edgeq_filters *f, const cmsis_nn_dims *filter, int32_t offset, int32_t *to)
{
    const uint32_t outside = ((uint32_t)-offset & 0xffu) * 0x01010101u;
    const int32_t row_size = 2 * (filter->w + 1);
    const int32_t *k = f->masks;
    int32_t left, row, col;

    for (left = edgeq_masks_size(f->taps, f->channels) / (2 * f->taps); left > 0; --left) {
        int32_t *const all = to;

        to += 2;
        for (col = 0; col < row_size; ++col) {
            *to++ = 0;
        }
        for (row = 0; row < filter->h; ++row) {
            edgeq_lane_sums s = {0, 0};
            *to++ = 0;
            *to++ = 0;
            for (col = 0; col < filter->w; ++col, to += 2) {
                s = edgeq_add_masked(s, outside, edgeq_next_pair(&k));
                to[0] = edgeq_wrap_s32(add_lanes((uint32_t)to[-row_size], s.even));
                to[1] = edgeq_wrap_s32(add_lanes((uint32_t)to[1 - row_size], s.odd));
            }
        }
        all[0] = edgeq_wrap_s32(add_lanes(EDGEQ_HALF_STARTS, (uint32_t)to[-2]));
        all[1] = edgeq_wrap_s32(add_lanes(EDGEQ_HALF_STARTS, (uint32_t)to[-1]));
    }
}

/* Which part of a window lies on the image, of whose rows and columns these do. */
static EDGEQ_NOINLINE void place_part(part *w, const cmsis_nn_dims *filter, edgeq_taps rows, edgeq_taps cols)
{
    const int32_t row_size = 2 * (filter->w + 1);
    const bool is_empty = rows.end <= rows.first || cols.end <= cols.first;

    w->rows = is_empty ? 0 : rows.end - rows.first;
    w->cols = is_empty ? 0 : cols.end - cols.first;
    w->first = is_empty ? 0 : 2 * (rows.first * filter->w + cols.first);
    w->is_whole = w->rows == filter->h && w->cols == filter->w;
    w->strides[1] = 8 * (filter->w - w->cols);
    if (!w->is_whole) {
        w->above[0] = 2 + (is_empty ? 0 : rows.first * row_size + 2 * cols.first);
        w->above[1] = w->above[0] + 2 * w->cols;
        w->below[0] = w->above[0] + w->rows * row_size;
        w->below[1] = w->below[0] + 2 * w->cols;
    }
    if (filter->w == 1 && w->rows > 0) {
        w->cols = w->rows;
        w->rows = 1;
    }
}

arm_cmsis_nn_status edgeq_depthwise_conv_narrow_dsp_s8(const cmsis_nn_context *ctx,
                                                       const cmsis_nn_dw_conv_params *dw_conv_params,
                                                       const edgeq_narrow_filters *filters,
                                                       const cmsis_nn_dims *input_dims,
                                                       const int8_t *input_data,
                                                       const cmsis_nn_dims *filter_dims,
                                                       const cmsis_nn_dims *output_dims,
                                                       int8_t *output_data)
{
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    const cmsis_nn_dims *const in = input_dims;
    const int32_t taps = filter_dims->h * filter_dims->w;
    const int32_t masks_size = edgeq_masks_size(taps, in->c);
    const int32_t table_size = 2 + 2 * (filter_dims->h + 1) * (filter_dims->w + 1);
    const int32_t tables_size = masks_size / (2 * taps) * table_size;
    int32_t *const memory = ctx->buf;
    int32_t n, out_y, out_x;
    /* Where the last window that does not hang over the right edge begins. */
    const int32_t last_x = in->w - 1 - (filter_dims->w - 1) * p->dilation.w;
    const edgeq_taps all_rows = {0, filter_dims->h};
    const edgeq_taps all_cols = {0, filter_dims->w};
    edgeq_filters f;
    part some, whole;

    if (in->c < EDGEQ_FILTERS || p->ch_mult != 1 || !edgeq_is_depthwise_convolution(p, in, filter_dims, output_dims) ||
        memory == NULL || ctx->size < (masks_size + tables_size) * (int32_t)sizeof(*memory)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    f = edgeq_begin_filters(p, filters, in, taps, memory);
    sum_up(&f, filter_dims, p->input_offset, memory + masks_size);
    some.step = filter_dims->w == 1 ? f.x_row : f.x_col;
    some.strides[0] = f.x_row;
    whole = some;
    place_part(&whole, filter_dims, all_rows, all_cols);
    for (n = 0; n < in->n; ++n, input_data += in->h * in->w * in->c) {
        for (out_y = 0; out_y < output_dims->h; ++out_y) {
            const int32_t y = out_y * p->stride.h - p->padding.h;
            const edgeq_taps rows = edgeq_clip_taps(y, in->h, filter_dims->h, p->dilation.h);
            const int32_t top = y + rows.first * p->dilation.h;
            const bool is_inside = rows.end - rows.first == filter_dims->h;
            int32_t x = -p->padding.w;

            for (out_x = 0; out_x < output_dims->w; ++out_x, x += p->stride.w, output_data += in->c) {
                const part *w = &whole;
                const int8_t *first = input_data;

                if (is_inside && x >= 0 && x <= last_x) {
                    first += (top * in->w + x) * in->c;
                } else {
                    const edgeq_taps cols = edgeq_clip_taps(x, in->w, filter_dims->w, p->dilation.w);

                    place_part(&some, filter_dims, rows, cols);
                    if (some.rows > 0) {
                        first += (top * in->w + x + cols.first * p->dilation.w) * in->c;
                    }
                    w = &some;
                }
                convolve(&f, w, first, memory + masks_size, table_size, output_data);
                edgeq_limit_pixels(&f, output_data, 1);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
