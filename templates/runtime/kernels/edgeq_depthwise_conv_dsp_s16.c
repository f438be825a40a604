/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution of int16 images for cores with the DSP extension, four channels at a time.
 *
 * A tap of four channels costs 9 instructions (2.25 per MAC): two LDR of pixels, two channels each, one LDR of four
 * weights, two SXTB16 that make lanes of them, four SMLAxy. With requantization and store it comes to 3 per MAC of a 3x3
 * window on the image. Taps outside of the image are skipped, not multiplied by zero. Sums of 32 bits suffice, which has
 * been proven when the table was made.
 *
 * Rows of 3x3 windows one pixel apart are computed channel by channel, two together: of every column of the image two rows
 * become operands of SMLAD, the third is one of SMLAxy as it is, and all three results that see the column have their
 * share of it at once. That is 36 instructions for two results, 2 per MAC, with everything.
 */
#include "edgeq_depthwise_walk.h"
#include "edgeq_finish_s16.h"
#include "edgeq_kernels_dsp.h"

typedef edgeq_depthwise_walk walk;

typedef struct {
    int32_t channel[4];
} sums;

/* The pixels of four channels at x; the table is moved past their weights. */
static inline sums add_tap(sums acc, const int8_t *x, const int32_t **w)
{
    const uint32_t weights = (uint32_t)*(*w)++;
    const uint32_t first = edgeq_even_bytes(weights);
    const uint32_t second = edgeq_odd_bytes(weights);
    const uint32_t p = edgeq_load_s8x4(x);
    const uint32_t q = edgeq_load_s8x4(x + 4);

    acc.channel[0] = edgeq_mac_low(p, first, acc.channel[0]);
    acc.channel[1] = edgeq_mac_high(p, first, acc.channel[1]);
    acc.channel[2] = edgeq_mac_low(q, second, acc.channel[2]);
    acc.channel[3] = edgeq_mac_high(q, second, acc.channel[3]);
    return acc;
}

/* Biases of four channels, and the table moved on to their weights. */
static inline sums start(const int32_t **k)
{
    const edgeq_word_pair first = edgeq_next_pair(k);
    const edgeq_word_pair second = edgeq_next_pair(k);
    const sums acc = {{(int32_t)first.first, (int32_t)first.second, (int32_t)second.first, (int32_t)second.second}};
    return acc;
}

/* Whether saturation to 15 bits without a sign does what the activation has to. */
static inline bool is_relu(const walk *v)
{
    return v->low == 0 && v->high == 32767;
}

/* The four results, each with its words of the table at k; returns the next record. */
static inline const int32_t *finish(const walk *v, sums acc, const int32_t *k, int16_t *y)
{
    int32_t i;

#pragma GCC unroll 4
    for (i = 0; i < 4; ++i) {
        const int32_t value = EDGEQ_HAS_SHORT_CUTS && v->has_one_shift
                                  ? edgeq_finish_at_once_s16(acc.channel[i], *k++)
                                  : edgeq_finish_s16(acc.channel[i], edgeq_next_wide_quant(&k));
        y[i] = (int16_t)edgeq_clamp(value, v->low, v->high);
    }
    return k;
}

/*
 * All channels of one output pixel, whose first tap on the image is at x; k is the table, one record per four channels.
 * The last record is of the last four channels: it may compute some again, which saves code for fewer than four.
 */
static EDGEQ_NOINLINE void convolve_at_border(const walk *v, const int8_t *x, const int32_t *k, int8_t *results)
{
    int16_t *const y = (int16_t *)(void *)results;
    const int32_t step = v->x_col;
    const int32_t last = v->channels - 4;
    int32_t c = 0;

    for (;;) {
        sums acc = start(&k);
        const int32_t *w = k + v->w_first;
        const int8_t *line = x + 2 * c;
        int32_t row;

        for (row = v->rows; row > 0; --row) {
            const int8_t *tap = line;
            int32_t col = v->cols;
            do {
                acc = add_tap(acc, tap, &w);
                tap += step;
            } while (--col > 0);
            line += v->x_row;
            w += v->w_skip;
        }
        k = finish(v, acc, k + v->w_all, y + c);
        if (c == last) {
            return;
        }
        c = c + 4 < last ? c + 4 : last;
    }
}

/* Nine taps and results of `records` neighbouring records, pixels at x, results to y; v->is_plain, or with a ReLU. */
#if defined(__ARM_FEATURE_DSP)
/* By hand: the compiler loads ahead and runs out of registers. */
#define TAP(offset)                                    \
    "ldr %[w], [%[k]], #4\n\t"                         \
    "ldr %[p], [%[x]" offset "]\n\t"                   \
    "ldr %[q], [%[x4]" offset "]\n\t"                  \
    "sxtb16 %[t], %[w]\n\t"                            \
    "sxtb16 %[w], %[w], ror #8\n\t"                    \
    "smlabb %[s0], %[p], %[t], %[s0]\n\t"              \
    "smlatt %[s1], %[p], %[t], %[s1]\n\t"              \
    "smlabb %[s2], %[q], %[w], %[s2]\n\t"              \
    "smlatt %[s3], %[q], %[w], %[s3]\n\t"
#define ROW TAP("") TAP(", %[step]") TAP(", %[step], lsl #1")
#define NEXT_ROW                                       \
    "add %[x], %[x], %[line]\n\t"                      \
    "add %[x4], %[x4], %[line]\n\t"
#define TWO_RESULTS(a, b, limit)                       \
    "ldrd %[p], %[q], [%[k]], #8\n\t"                  \
    "smmulr %[" a "], %[" a "], %[p]\n\t"              \
    "smmulr %[" b "], %[" b "], %[q]\n\t" limit(a) limit(b) \
    "pkhbt %[" a "], %[" a "], %[" b "], lsl #16\n\t"  \
    "str %[" a "], [%[y]], #4\n\t"
#define SIGNED(d) "ssat %[" d "], #16, %[" d "]\n\t"
#define ABOVE_0(d) "usat %[" d "], #15, %[" d "]\n\t"
#define RECORDS(limit)                                                                                         \
    "1:\n\t"                                                                                                   \
    "ldrd %[s0], %[s1], [%[k]], #8\n\t"                                                                        \
    "ldrd %[s2], %[s3], [%[k]], #8\n\t"                                                                        \
    "add %[x4], %[x], #4\n\t" ROW NEXT_ROW ROW NEXT_ROW ROW                                                     \
    "sub %[x], %[x], %[line], lsl #1\n\t"                                                                      \
    "add %[x], %[x], #8\n\t" TWO_RESULTS("s0", "s1", limit) TWO_RESULTS("s2", "s3", limit)                      \
    "ldr %[p], %[end]\n\t"                                                                                     \
    "cmp %[x], %[p]\n\t"                                                                                       \
    "bne 1b"
#define OPERANDS                                                                                               \
    : [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3), [k] "+r"(k), [x] "+r"(x), [y] "+r"(y),   \
      [x4] "=&r"(x4), [p] "=&r"(p), [q] "=&r"(q), [w] "=&r"(w), [t] "=&r"(t)                                   \
    : [step] "r"(v->x_col), [line] "r"(v->x_row), [end] "m"(end)                                               \
    : "cc", "memory"

static inline const int32_t *convolve_records(const walk *v, const int8_t *x, const int32_t *k, int32_t records,
                                              int16_t *y)
{
    const int8_t *const end = x + 8 * records;
    uint32_t s0, s1, s2, s3, x4, p, q, w, t;

    if (v->is_plain) {
        __asm__ volatile(RECORDS(SIGNED) OPERANDS);
    } else {
        __asm__ volatile(RECORDS(ABOVE_0) OPERANDS);
    }
    return k;
}
#else
static inline const int32_t *convolve_records(const walk *v, const int8_t *x, const int32_t *k, int32_t records,
                                              int16_t *y)
{
    for (; records > 0; --records, x += 8, y += 4) {
        sums acc = start(&k);
        int32_t i;

        for (i = 0; i < 9; ++i) {
            acc = add_tap(acc, x + i / 3 * v->x_row + i % 3 * v->x_col, &k);
        }
        k = finish(v, acc, k, y);
    }
    return k;
}
#endif

/* The same for neighbouring pixels, all nine taps of whose 3x3 windows lie on the image. */
static EDGEQ_NOINLINE void convolve_whole_3x3(const walk *v, const int8_t *x, const int32_t *packed, int8_t *results,
                                              int32_t pixels)
{
    int16_t *y = (int16_t *)(void *)results;
    walk all = *v;

    all.rows = 3;
    all.cols = 3;
    all.w_first = 0;
    all.w_skip = 0;
    for (; pixels > 0; --pixels, x += v->x_pixel, y += v->channels) {
        if (EDGEQ_HAS_SHORT_CUTS && v->has_one_shift && (v->is_plain || is_relu(v))) {
            const int32_t *const k = convolve_records(v, x, packed, v->channels / 4, y);
            if ((v->channels & 3) != 0) {
                convolve_records(v, x + 2 * v->channels - 8, k, 1, y + v->channels - 4);
            }
        } else {
            convolve_at_border(&all, x, packed, (int8_t *)y);
        }
    }
}

/*
 * Two channels' weights of a 3x3 window, by columns, the last first: of both channels those of rows 0 and 1 in lanes, then
 * those of row 2, one of each channel. Behind the last column the multipliers, behind the middle one the biases.
 */
typedef struct {
    uint32_t word[13];
} columns;
#define MULTIPLIERS 3
#define MIDDLE 5
#define BIASES 8
#define FIRST 10

static inline void put_column(uint32_t *to, uint32_t row0, uint32_t row1, uint32_t row2)
{
    to[0] = edgeq_low_lanes(row0, row1);
    to[1] = edgeq_high_lanes(row0, row1);
    to[2] = row2;
}

/* Channels 0 and 1 of the record at k, or 2 and 3. */
static inline columns unpacked(const int32_t *k, bool is_second)
{
    uint32_t taps[9];
    int32_t i;
    columns w;

#pragma GCC unroll 9
    for (i = 0; i < 9; ++i) {
        const uint32_t word = (uint32_t)k[4 + i];
        taps[i] = is_second ? edgeq_odd_bytes(word) : edgeq_even_bytes(word);
    }
    put_column(w.word, taps[2], taps[5], taps[8]);
    put_column(w.word + MIDDLE, taps[1], taps[4], taps[7]);
    put_column(w.word + FIRST, taps[0], taps[3], taps[6]);
    k += is_second ? 2 : 0;
    w.word[BIASES] = (uint32_t)k[0];
    w.word[BIASES + 1] = (uint32_t)k[1];
    w.word[MULTIPLIERS] = (uint32_t)k[13];
    w.word[MULTIPLIERS + 1] = (uint32_t)k[14];
    return w;
}

/* Sums of two channels. */
typedef struct {
    int32_t a;
    int32_t b;
} two_sums;

/* The sums of `s` and of the column at x by the weights at w. */
static inline two_sums add_column(two_sums s, const int8_t *x, int32_t line, const uint32_t *w)
{
    const uint32_t row0 = edgeq_load_s8x4(x);
    const uint32_t row1 = edgeq_load_s8x4(x + line);
    const uint32_t row2 = edgeq_load_s8x4(x + 2 * line);
    two_sums sums;

    sums.a = edgeq_mac_low(row2, w[2], edgeq_mac_both(edgeq_low_lanes(row0, row1), w[0], s.a));
    sums.b = edgeq_mac_high(row2, w[2], edgeq_mac_both(edgeq_high_lanes(row0, row1), w[1], s.b));
    return sums;
}

static inline void put_two(two_sums s, const columns *w, int32_t low, int16_t *y)
{
    const int32_t a = edgeq_finish_at_once_s16(s.a, (int32_t)w->word[MULTIPLIERS]);
    const int32_t b = edgeq_finish_at_once_s16(s.b, (int32_t)w->word[MULTIPLIERS + 1]);

    y[0] = (int16_t)(a < low ? low : a);
    y[1] = (int16_t)(b < low ? low : b);
}

/*
 * Goes over the columns from x to `end`, two at least, and stores the result that each but the first completes, at y and
 * every `step` bytes. `next` are the sums of the first result but for its two last columns; returns those that the last
 * column does not complete.
 */
#if defined(__ARM_FEATURE_DSP)
#define COLUMN                                         \
    "ldr %[p], [%[x]]\n\t"                             \
    "ldr %[q], [%[x], %[line]]\n\t"                    \
    "ldr %[r], [%[x], %[line], lsl #1]\n\t"            \
    "add %[x], %[x], %[step]\n\t"                      \
    "pkhbt %[t], %[p], %[q], lsl #16\n\t"              \
    "pkhtb %[q], %[q], %[p], asr #16\n\t"
/* to = from + the column's products by the weights at k and so many bytes. */
#define PRODUCTS(to0, to1, from0, from1, at, at2)      \
    "ldrd %[p], %[w], [%[k], #" at "]\n\t"             \
    "smlad %[" to0 "], %[t], %[p], %[" from0 "]\n\t"   \
    "smlad %[" to1 "], %[q], %[w], %[" from1 "]\n\t"   \
    "ldr %[p], [%[k], #" at2 "]\n\t"                   \
    "smlabb %[" to0 "], %[r], %[p], %[" to0 "]\n\t"    \
    "smlatt %[" to1 "], %[r], %[p], %[" to1 "]\n\t"
#define COLUMNS(limit)                                 \
    COLUMN "b 2f\n"                                    \
    "1:\n\t" COLUMN PRODUCTS("s0", "s1", "s0", "s1", "0", "8") \
    "ldrd %[p], %[w], [%[k], #12]\n\t"                 \
    "smmulr %[s0], %[s0], %[p]\n\t"                    \
    "smmulr %[s1], %[s1], %[w]\n\t" limit("s0") limit("s1") \
    "pkhbt %[s0], %[s0], %[s1], lsl #16\n\t"           \
    "str %[s0], [%[y]]\n\t"                            \
    "add %[y], %[y], %[step]\n"                        \
    "2:\n\t" PRODUCTS("s0", "s1", "n0", "n1", "20", "28") \
    "ldrd %[n0], %[n1], [%[k], #32]\n\t" PRODUCTS("n0", "n1", "n0", "n1", "40", "48") \
    "ldr %[p], %[end]\n\t"                             \
    "cmp %[x], %[p]\n\t"                               \
    "bne 1b"
#define COLUMN_OPERANDS                                                                                          \
    : [s0] "=&r"(s.a), [s1] "=&r"(s.b), [n0] "+r"(next.a), [n1] "+r"(next.b), [x] "+r"(x), [y] "+r"(y), [p] "=&r"(p), \
      [q] "=&r"(q), [r] "=&r"(r), [t] "=&r"(t), [w] "=&r"(w)                                                     \
    : [k] "r"(k->word), [line] "r"(v->x_row), [step] "r"(v->x_col), [end] "m"(end)                               \
    : "cc", "memory"

static EDGEQ_NOINLINE two_sums convolve_columns(const walk *v, const int8_t *x, const int8_t *end, const columns *k,
                                                two_sums next, int8_t *y)
{
    uint32_t p, q, r, t, w;
    two_sums s;

    if (v->is_plain) {
        __asm__ volatile(COLUMNS(SIGNED) COLUMN_OPERANDS);
    } else {
        __asm__ volatile(COLUMNS(ABOVE_0) COLUMN_OPERANDS);
    }
    return s;
}
#else
static two_sums convolve_columns(const walk *v, const int8_t *x, const int8_t *end, const columns *k, two_sums next,
                                 int8_t *y)
{
    const two_sums bias = {(int32_t)k->word[BIASES], (int32_t)k->word[BIASES + 1]};
    two_sums s = {0, 0};
    bool is_first = true;

    for (; x != end; x += v->x_col, is_first = false) {
        if (!is_first) {
            put_two(add_column(s, x, v->x_row, k->word), k, v->low, (int16_t *)(void *)y);
            y += v->x_col;
        }
        s = add_column(next, x, v->x_row, k->word + MIDDLE);
        next = add_column(bias, x, v->x_row, k->word + FIRST);
    }
    return s;
}
#endif

/* A row of 3x3 windows one pixel apart, which hang over one pixel on either side at most. */
static EDGEQ_NOINLINE void convolve_row(const walk *v, const int8_t *x, const int32_t *k, int8_t *y)
{
    const int32_t bytes = v->width * v->x_col;
    const int32_t completed = v->width - 2 + v->left;
    const int32_t last = v->channels - 4;
    int32_t c = 0;
    int32_t pair;

    for (;;) {
        for (pair = 0; pair < 2; ++pair) {
            const int8_t *const from = x + 2 * (c + 2 * pair);
            int8_t *const to = y + 2 * (c + 2 * pair);
            const columns w = unpacked(k, pair != 0);
            two_sums next = {(int32_t)w.word[BIASES], (int32_t)w.word[BIASES + 1]};

            if (v->left == 0) {
                next = add_column(next, from, v->x_row, w.word + FIRST);
            }
            next = convolve_columns(v, from + (v->left == 0 ? v->x_col : 0), from + bytes, &w, next, to);
            if (v->results > completed) {
                put_two(next, &w, v->low, (int16_t *)(void *)(to + completed * v->x_col));
            }
        }
        k += 4 + 9 + 4;
        if (c == last) {
            return;
        }
        c = c + 4 < last ? c + 4 : last;
    }
}

/* Whether windows are such. */
static bool has_rows(const cmsis_nn_dw_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                     const cmsis_nn_dims *out)
{
    const int32_t beyond = out->w - (in->w - 2 + p->padding.w); /* pixels that the last window hangs over */

    return filter->h == 3 && filter->w == 3 && p->stride.w == 1 && p->dilation.w == 1 && p->padding.w <= 1 &&
           in->w >= 3 && beyond >= 0 && beyond <= 1;
}

arm_cmsis_nn_status edgeq_depthwise_conv_dsp_s16(const cmsis_nn_dw_conv_params *dw_conv_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int16_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 bool one_shift,
                                                 const cmsis_nn_dims *output_dims,
                                                 int16_t *output_data)
{
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    walk v;

    if (!edgeq_can_walk_depthwise(p, input_dims, filter_dims, output_dims) || (one_shift && !EDGEQ_HAS_SHORT_CUTS)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    v.low = p->activation.min;
    v.high = p->activation.max;
    v.is_limited = v.low > -32768 || v.high < 32767;
    v.has_one_shift = one_shift;
    v.is_plain = one_shift && !v.is_limited;
    v.offset = 0;
    v.has_rows = EDGEQ_HAS_SHORT_CUTS && one_shift && (v.is_plain || is_relu(&v)) &&
                 has_rows(p, input_dims, filter_dims, output_dims);
    edgeq_walk_depthwise(&v, p, input_dims, (const int8_t *)input_data, filter_dims, packed, output_dims,
                         (int8_t *)output_data, (int32_t)sizeof(int16_t), 1, convolve_at_border, convolve_whole_3x3,
                         convolve_row);
    return ARM_CMSIS_NN_SUCCESS;
}
