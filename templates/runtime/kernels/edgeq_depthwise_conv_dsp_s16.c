/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution of int16 images for cores with the DSP extension, four channels at a time.
 *
 * A tap of four channels costs 9 instructions (2.25 per MAC): two LDR of pixels, two channels each, one LDR of four
 * weights, two SXTB16 that make lanes of them, four SMLAxy. With requantization and store it comes to 3 per MAC of a 3x3
 * window on the image. Taps outside of the image are skipped, not multiplied by zero. Sums of 32 bits suffice, which has
 * been proven when the table was made.
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
    edgeq_walk_depthwise(&v, p, input_dims, (const int8_t *)input_data, filter_dims, packed, output_dims,
                         (int8_t *)output_data, (int32_t)sizeof(int16_t), 1, convolve_at_border, convolve_whole_3x3);
    return ARM_CMSIS_NN_SUCCESS;
}
