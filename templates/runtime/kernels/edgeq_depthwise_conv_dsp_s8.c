/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution for cores with the DSP extension, four channels at a time.
 *
 * A tap of four channels costs 8 instructions (2 per MAC): one LDR of pixels, two SXTAB16 that widen them and add the
 * offset, one LDRD of weights, four SMLAxy. Weights are 16 bits wide and doubled, or more where that lets all channels
 * requantize by one shift, and so is the bias. Requantization and store come to 7 per output then: 3 per MAC of a 3x3
 * window on the image. Taps outside of the image are skipped, not multiplied by zero.
 */
#include "edgeq_depthwise_walk.h"
#include "edgeq_dsp.h"
#include "edgeq_kernels_dsp.h"

typedef edgeq_depthwise_walk walk;

typedef struct {
    int32_t channel[4];
} sums;

static inline sums add_tap(sums acc, const int8_t *x, uint32_t offset, const int32_t **w)
{
    const uint32_t pixels = edgeq_load_s8x4(x);
    const uint32_t even = edgeq_add_even_bytes(offset, pixels);
    const uint32_t odd = edgeq_add_odd_bytes(offset, pixels);
    const edgeq_word_pair weights = edgeq_next_pair(w);

    acc.channel[0] = edgeq_mac_low(even, weights.first, acc.channel[0]);
    acc.channel[1] = edgeq_mac_low(odd, weights.second, acc.channel[1]);
    acc.channel[2] = edgeq_mac_high(even, weights.first, acc.channel[2]);
    acc.channel[3] = edgeq_mac_high(odd, weights.second, acc.channel[3]);
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

/*
 * The sums of nine taps, `step` bytes apart in a row, rows `line` bytes apart, with the biases. k is moved past both
 * biases and weights.
 */
#if defined(__ARM_FEATURE_DSP)
/* By hand: the compiler loads ahead and runs out of registers. */
#define TAP(address)                                   \
    "ldr %[even], " address "\n\t"                     \
    "ldrd %[w02], %[w13], [%[k]], #8\n\t"              \
    "sxtab16 %[odd], %[offset], %[even], ror #8\n\t"   \
    "sxtab16 %[even], %[offset], %[even]\n\t"          \
    "smlabb %[s0], %[even], %[w02], %[s0]\n\t"         \
    "smlabb %[s1], %[odd], %[w13], %[s1]\n\t"          \
    "smlatt %[s2], %[even], %[w02], %[s2]\n\t"         \
    "smlatt %[s3], %[odd], %[w13], %[s3]\n\t"
#define ROW TAP("[%[x]]") TAP("[%[x], %[step]]") TAP("[%[x], %[step], lsl #1]")

static inline sums nine_taps(const int8_t *x, int32_t step, int32_t line, uint32_t offset, const int32_t **k)
{
    const int32_t *at = *k;
    uint32_t even, odd, w02, w13;
    sums acc;

    __asm__("ldrd %[s0], %[s1], [%[k]], #8\n\t"
            "ldrd %[s2], %[s3], [%[k]], #8\n\t" ROW
            "add %[x], %[x], %[line]\n\t" ROW
            "add %[x], %[x], %[line]\n\t" ROW
            : [s0] "=&r"(acc.channel[0]), [s1] "=&r"(acc.channel[1]), [s2] "=&r"(acc.channel[2]),
              [s3] "=&r"(acc.channel[3]), [k] "+r"(at), [x] "+r"(x), [even] "=&r"(even), [odd] "=&r"(odd),
              [w02] "=&r"(w02), [w13] "=&r"(w13)
            : [step] "r"(step), [line] "r"(line), [offset] "r"(offset)
            : "memory");
    *k = at;
    return acc;
}
#else
static inline sums nine_taps(const int8_t *x, int32_t step, int32_t line, uint32_t offset, const int32_t **k)
{
    sums acc = start(k);
    int32_t row;

    for (row = 0; row < 3; ++row, x += line) {
        acc = add_tap(acc, x, offset, k);
        acc = add_tap(acc, x + step, offset, k);
        acc = add_tap(acc, x + 2 * step, offset, k);
    }
    return acc;
}
#endif

/* The four results, each with its words of the table at k; returns the next record. */
static inline const int32_t *finish(const walk *v, sums acc, const int32_t *k, int8_t *y)
{
    int32_t i;

    if (EDGEQ_HAS_SHORT_CUTS && v->is_plain) {
#pragma GCC unroll 4
        for (i = 0; i < 4; ++i) {
            y[i] = (int8_t)edgeq_finish_at_once_s8(acc.channel[i], edgeq_next_pair(&k));
        }
        return k;
    }
    for (i = 0; i < 4; ++i) {
        const int32_t sum = acc.channel[i];
        const int32_t value = EDGEQ_HAS_SHORT_CUTS && v->has_one_shift
                                  ? edgeq_finish_at_once_s8(sum, edgeq_next_pair(&k))
                                  : edgeq_finish_s8(sum, edgeq_next_quant(&k));
        y[i] = (int8_t)(v->is_limited ? edgeq_clamp(value, v->low, v->high) : value);
    }
    return k;
}

/*
 * All channels of one output pixel, whose first tap on the image is at x; k is the table, one record per four channels.
 * The last record is of the last four channels: it may compute some again, which saves code for fewer than four.
 */
static EDGEQ_NOINLINE void convolve_at_border(const walk *v, const int8_t *x, const int32_t *k, int8_t *y)
{
    const uint32_t offset = v->offset;
    const int32_t step = v->x_col;
    const int32_t last = v->channels - 4;
    int32_t c = 0;

    for (;;) {
        sums acc = start(&k);
        const int32_t *w = k + v->w_first;
        const int8_t *line = x + c;
        int32_t row;

        for (row = v->rows; row > 0; --row) {
            const int8_t *tap = line;
            int32_t col = v->cols;
            do {
                acc = add_tap(acc, tap, offset, &w);
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

/*
 * Nine taps and results of `records` neighbouring records where v->is_plain, pixels at x, results to y. By hand again:
 * sums, addresses and the offset stay where they are.
 */
#if defined(__ARM_FEATURE_DSP)
#define RESULT(sum)                                                  \
    "ldrd %[odd], %[w02], [%[k]], #8\n\t"                            \
    "smmla %[" sum "], %[" sum "], %[odd], %[w02]\n\t"               \
    "ssat %[" sum "], #8, %[" sum "], asr " EDGEQ_ONE_SHIFT_TEXT "\n\t" \
    "strb %[" sum "], [%[even]], #1\n\t"

static inline const int32_t *convolve_plain(const walk *v, const int8_t *x, const int32_t *k, int32_t records, int8_t *y)
{
    const int8_t *const end = x + 4 * records;
    uint32_t s0, s1, s2, s3, even, odd, w02, w13;

    __asm__("1:\n\t"
            "ldrd %[s0], %[s1], [%[k]], #8\n\t"
            "ldrd %[s2], %[s3], [%[k]], #8\n\t" ROW
            "add %[x], %[x], %[line]\n\t" ROW
            "add %[x], %[x], %[line]\n\t" ROW
            "sub %[x], %[x], %[line], lsl #1\n\t"
            "ldr %[even], %[y]\n\t"
            "add %[x], %[x], #4\n\t" RESULT("s0") RESULT("s1") RESULT("s2") RESULT("s3")
            "ldr %[odd], %[end]\n\t"
            "str %[even], %[y]\n\t"
            "cmp %[x], %[odd]\n\t"
            "bne 1b"
            : [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3), [k] "+r"(k), [x] "+r"(x),
              [even] "=&r"(even), [odd] "=&r"(odd), [w02] "=&r"(w02), [w13] "=&r"(w13), [y] "+m"(y)
            : [step] "r"(v->x_col), [line] "r"(v->x_row), [offset] "r"(v->offset), [end] "m"(end)
            : "cc", "memory");
    return k;
}
#else
static inline const int32_t *convolve_plain(const walk *v, const int8_t *x, const int32_t *k, int32_t records, int8_t *y)
{
    for (; records > 0; --records, x += 4) {
        const sums acc = nine_taps(x, v->x_col, v->x_row, v->offset, &k);
        int32_t i;

        for (i = 0; i < 4; ++i) {
            *y++ = (int8_t)edgeq_finish_at_once_s8(acc.channel[i], edgeq_next_pair(&k));
        }
    }
    return k;
}
#endif

/* The same for neighbouring pixels, all nine taps of whose 3x3 windows lie on the image. */
static EDGEQ_NOINLINE void convolve_whole_3x3(const walk *v, const int8_t *x, const int32_t *packed, int8_t *y,
                                              int32_t pixels)
{
    const uint32_t offset = v->offset;
    const int32_t step = v->x_col;
    const int32_t line = v->x_row;

    for (; pixels > 0; --pixels, x += v->x_pixel) {
        const int8_t *const last = x + v->channels - 4;
        const int8_t *taps = x;
        const int32_t *k = packed;

        if (EDGEQ_HAS_SHORT_CUTS && v->is_plain) {
            k = convolve_plain(v, x, packed, v->channels / 4, y);
            y += v->channels;
            if ((v->channels & 3) != 0) {
                convolve_plain(v, last, k, 1, y - 4);
            }
            continue;
        }
        for (;;) {
            const sums acc = nine_taps(taps, step, line, offset, &k);

            k = finish(v, acc, k, y);
            y += 4;
            taps += 4;
            if (taps > last) {
                if (taps == last + 4) {
                    break;
                }
                y -= taps - last;
                taps = last;
            }
        }
    }
}

arm_cmsis_nn_status edgeq_depthwise_conv_dsp_s8(const cmsis_nn_dw_conv_params *dw_conv_params,
                                                const cmsis_nn_dims *input_dims,
                                                const int8_t *input_data,
                                                const cmsis_nn_dims *filter_dims,
                                                const int32_t *packed,
                                                bool one_shift,
                                                const cmsis_nn_dims *output_dims,
                                                int8_t *output_data)
{
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    walk v;

    if (!edgeq_can_walk_depthwise(p, input_dims, filter_dims, output_dims) || (one_shift && !EDGEQ_HAS_SHORT_CUTS)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    v.low = p->activation.min;
    v.high = p->activation.max;
    v.is_limited = v.low > -128 || v.high < 127;
    v.has_one_shift = one_shift;
    v.is_plain = one_shift && !v.is_limited;
    v.has_rows = false;
    v.offset = ((uint32_t)p->input_offset & 0xffffu) | ((uint32_t)p->input_offset << 16);
    edgeq_walk_depthwise(&v, p, input_dims, input_data, filter_dims, packed, output_dims, output_data, 1, 2,
                         convolve_at_border, convolve_whole_3x3, NULL);
    return ARM_CMSIS_NN_SUCCESS;
}
