/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution by 3x3 windows, one pixel apart, with weights of -1, 0 and 1 for cores with the DSP extension: two
 * lines and two columns of a channel's results at a time. Input and output are images of one size, and may be the very
 * same memory.
 *
 * Four channels at a time are taken through the whole image. Lines come in pairs, widened once: every word then holds two
 * pixels of a channel, one above the other. Two results, one above the other, see four lines, which is two words from
 * each of three columns. A word of weights holds what both results take of a pixel, the lower one's times 2^14:
 *
 *     first pair of lines:  (w0, w1 + 2^14 w0)        second pair:  (w2 + 2^14 w1, 2^14 w2)
 *
 * so that one SMLAD counts for three MACs; six make 2^14 times one sum plus the other. Times four, both lie in lanes of
 * their own, from which SMLAWB and SMLAWT requantize them. Four results take 36 instructions, one per MAC, and 14 more
 * where negative results need a gap. Weights are unpacked when their channels' turn comes, for both places that a pair of
 * lines may have in the strip. Lines are rows, or columns where that is quicker.
 */
#include "edgeq_convolution.h"
#include "edgeq_half_sums.h"
#include "edgeq_kernels_narrow.h"
#include "edgeq_window.h"

#define CHANNELS 4
#define WINDOW 3
/* Words of a channel's record: weights for a first pair of lines that comes first in the strip, and for the other place;
 * two multipliers, addend, gap. */
#define WEIGHTS 6
#define RECORD 16
/* Added to four times both sums. */
#define STARTS (4 * EDGEQ_HALF_START + EDGEQ_HALF_START * 65536)

/* An image seen along its lines. */
typedef struct {
    int32_t length;    /* pixels of a line, two at least */
    int32_t x_step;    /* bytes from pixel to pixel of a line */
    int32_t line_step; /* bytes from line to line */
    int32_t plane;     /* words of a channel's strip: of each column two, and one column more on either side */
    int32_t middle;
    bool has_gaps;
    bool is_limited; /* whether the activation is narrower than int8 */
    int32_t low;
    int32_t high;
    int8_t outside[CHANNELS]; /* a pixel beside the image */
} image;

/* The words of a column, one below the other, of each channel at `to`. */
static inline void put_column(const image *v, uint32_t *to, uint32_t upper, uint32_t lower)
{
    to[0] = edgeq_low_lanes(edgeq_even_bytes(upper), edgeq_even_bytes(lower));
    to[v->plane] = edgeq_low_lanes(edgeq_odd_bytes(upper), edgeq_odd_bytes(lower));
    to[2 * v->plane] = edgeq_high_lanes(edgeq_even_bytes(upper), edgeq_even_bytes(lower));
    to[3 * v->plane] = edgeq_high_lanes(edgeq_odd_bytes(upper), edgeq_odd_bytes(lower));
}

/* Widens two lines into every second word from `to` on; NULL: a line beside the image. */
static EDGEQ_NOINLINE void widen_lines(const image *v, const int8_t *upper, const int8_t *lower, uint32_t *to)
{
    const int32_t upper_step = upper == NULL ? 0 : v->x_step;
    const int32_t lower_step = lower == NULL ? 0 : v->x_step;

    if (upper == NULL) {
        upper = v->outside;
    }
    if (lower == NULL) {
        lower = v->outside;
    }
#if defined(__ARM_FEATURE_DSP)
    {
        uint32_t *to2 = to + 2 * v->plane;
        const uint32_t *const end = to + 2 * v->length;
        uint32_t even, odd, lower_even, lower_odd, word;

        __asm__ volatile("1:\n\t"
                "ldr %[odd], [%[upper]]\n\t"
                "ldr %[lower_odd], [%[lower]]\n\t"
                "add %[upper], %[upper], %[upper_step]\n\t"
                "add %[lower], %[lower], %[lower_step]\n\t"
                "sxtb16 %[even], %[odd]\n\t"
                "sxtb16 %[odd], %[odd], ror #8\n\t"
                "sxtb16 %[lower_even], %[lower_odd]\n\t"
                "sxtb16 %[lower_odd], %[lower_odd], ror #8\n\t"
                "pkhbt %[word], %[odd], %[lower_odd], lsl #16\n\t"
                "str %[word], [%[to], %[plane]]\n\t"
                "pkhbt %[word], %[even], %[lower_even], lsl #16\n\t"
                "str %[word], [%[to]], #8\n\t"
                "pkhtb %[word], %[lower_odd], %[odd], asr #16\n\t"
                "str %[word], [%[to2], %[plane]]\n\t"
                "pkhtb %[word], %[lower_even], %[even], asr #16\n\t"
                "str %[word], [%[to2]], #8\n\t"
                "cmp %[to], %[end]\n\t"
                "bne 1b"
                : [upper] "+r"(upper), [lower] "+r"(lower), [to] "+r"(to), [to2] "+r"(to2), [even] "=&r"(even),
                  [odd] "=&r"(odd), [lower_even] "=&r"(lower_even), [lower_odd] "=&r"(lower_odd), [word] "=&r"(word)
                : [upper_step] "r"(upper_step), [lower_step] "r"(lower_step), [plane] "r"(4 * v->plane), [end] "r"(end)
                : "cc", "memory");
    }
#else
    {
        int32_t i;

        for (i = 0; i < v->length; ++i, upper += upper_step, lower += lower_step, to += 2) {
            put_column(v, to, edgeq_load_s8x4(upper), edgeq_load_s8x4(lower));
        }
    }
#endif
}

/*
 * The results of two lines of `channels` neighbouring channels: their strips begin at x, their records at k, their results
 * at y and row_step bytes further, where they replace each other if that is 0: the upper line's stay. is_turned: the first
 * pair of lines comes second in the strip. Limits narrower than int8 are for the caller.
 */
#if defined(__ARM_FEATURE_DSP)
/* By hand: it takes all fourteen registers. A channel's weights, what it requantizes by, and where its lines begin. */
#define CHANNEL                                                  \
    "0:\n\t"                                                     \
    "ldrd %[s], %[t], %[table]\n\t"                              \
    "add %[t], %[s], %[t]\n\t"                                   \
    "ldm %[t], {%[w0], %[w1], %[w2], %[w3], %[w4], %[w5]}\n\t"   \
    "ldrd %[t], %[u], [%[s], #48]\n\t"                           \
    "ldrd %[a], %[b], [%[s], #56]\n\t"                           \
    "add %[s], %[s], #64\n\t"                                    \
    "str %[s], %[table]\n\t"                                     \
    "strd %[t], %[u], %[quant]\n\t"                              \
    "str %[a], %[addend]\n\t"                                    \
    "str %[b], %[gap]\n\t"                                       \
    "ldrd %[x], %[y], %[place]\n\t"                              \
    "ldrd %[s], %[t], %[span]\n\t"                               \
    "add %[s], %[x], %[s]\n\t"                                   \
    "add %[t], %[x], %[t]\n\t"                                   \
    "strd %[s], %[t], %[ends]\n\t"                               \
    "ldr %[u], %[plane]\n\t"                                     \
    "add %[u], %[x], %[u]\n\t"                                   \
    "add %[v], %[y], #1\n\t"                                     \
    "strd %[u], %[v], %[place]\n"
/* Two columns' sums, each two in a and two in b, of four columns. */
#define SUMS                                                     \
    "1:\n\t"                                                     \
    "ldm %[x]!, {%[s], %[t], %[u], %[v]}\n\t"                    \
    "smuad %[a], %[s], %[w0]\n\t"                                \
    "smuad %[b], %[u], %[w0]\n\t"                                \
    "smlad %[a], %[t], %[w1], %[a]\n\t"                          \
    "smlad %[b], %[v], %[w1], %[b]\n\t"                          \
    "smlad %[a], %[u], %[w2], %[a]\n\t"                          \
    "smlad %[a], %[v], %[w3], %[a]\n\t"                          \
    "ldm %[x], {%[s], %[t], %[u], %[v]}\n\t"                     \
    "smlad %[b], %[s], %[w2], %[b]\n\t"                          \
    "smlad %[a], %[s], %[w4], %[a]\n\t"                          \
    "smlad %[b], %[t], %[w3], %[b]\n\t"                          \
    "smlad %[a], %[t], %[w5], %[a]\n\t"                          \
    "smlad %[b], %[u], %[w4], %[b]\n\t"                          \
    "smlad %[b], %[v], %[w5], %[b]\n\t"                          \
    "ldrd %[u], %[v], %[addend]\n\t"                             \
    "ldrd %[s], %[t], %[quant]\n\t"                              \
    "add %[a], %[v], %[a], lsl #2\n\t"                           \
    "add %[b], %[v], %[b], lsl #2\n\t"                           \
    "smlawb %[v], %[s], %[a], %[u]\n\t"                          \
    "smlawt %[a], %[t], %[a], %[u]\n\t"                          \
    "smlawb %[s], %[s], %[b], %[u]\n\t"                          \
    "smlawt %[b], %[t], %[b], %[u]\n\t"
#define LOWERED(r)                                               \
    "and %[u], %[t], %[" r "], asr #31\n\t"                      \
    "sub %[" r "], %[" r "], %[u]\n\t"
#define RAISED(r) "add %[" r "], %[" r "], %[t]\n\t"
#define GAPS                                                     \
    "ldr %[t], %[gap]\n\t" LOWERED("v") LOWERED("a") LOWERED("s") LOWERED("b") \
    "ldr %[t], %[middle]\n\t" RAISED("v") RAISED("a") RAISED("s") RAISED("b")
#define SATURATED(r) "ssat %[" r "], #8, %[" r "], asr " EDGEQ_HALF_POINT_TEXT "\n\t"
/* A line of an odd number of pixels ends with the last two, one of which it has had. */
#define NEXT                                                     \
    SATURATED("v") SATURATED("a") SATURATED("s") SATURATED("b")  \
    "ldrd %[t], %[u], %[steps]\n\t"                              \
    "strb %[a], [%[y], %[t]]\n\t"                                \
    "strb %[v], [%[y]]\n\t"                                      \
    "add %[y], %[y], %[u]\n\t"                                   \
    "strb %[b], [%[y], %[t]]\n\t"                                \
    "strb %[s], [%[y]]\n\t"                                      \
    "add %[y], %[y], %[u]\n\t"                                   \
    "ldrd %[s], %[t], %[ends]\n\t"                               \
    "cmp %[x], %[s]\n\t"                                         \
    "bne 1b\n\t"                                                 \
    "cmp %[x], %[t]\n\t"                                         \
    "beq 2f\n\t"                                                 \
    "strd %[t], %[t], %[ends]\n\t"                               \
    "sub %[x], %[x], #8\n\t"                                     \
    "sub %[y], %[y], %[u]\n\t"                                   \
    "b 1b\n"                                                     \
    "2:\n\t"                                                     \
    "ldr %[s], %[left]\n\t"                                      \
    "subs %[s], %[s], #1\n\t"                                    \
    "str %[s], %[left]\n\t"                                      \
    "bne 0b"
#define OPERANDS                                                                                                    \
    : [w0] "=&r"(w0), [w1] "=&r"(w1), [w2] "=&r"(w2), [w3] "=&r"(w3), [w4] "=&r"(w4), [w5] "=&r"(w5),                \
      [x] "=&r"(x_at), [y] "=&r"(y_at), [a] "=&r"(a), [b] "=&r"(b), [s] "=&r"(s), [t] "=&r"(t), [u] "=&r"(u),        \
      [v] "=&r"(last), [table] "+m"(table), [place] "+m"(place), [ends] "=m"(ends), [addend] "+m"(addend),         \
      [quant] "=m"(quant), [gap] "=m"(gap), [left] "+m"(left)                                                       \
    : [span] "m"(span), [plane] "m"(plane), [steps] "m"(steps), [middle] "m"(middle)                                \
    : "cc", "memory"

static inline void convolve_channels(const image *v, const uint32_t *x, const int32_t *k, bool is_turned,
                                     int32_t channels, int32_t row_step, int8_t *y)
{
    /* Where the strip ends with the last whole pair of columns, and with the last column. */
    const int32_t span[2] = {16 * (v->length / 2), 8 * v->length};
    const int32_t steps[2] = {row_step, v->x_step};
    const int32_t plane = 4 * v->plane;
    const int32_t middle = v->middle;
    int32_t table[2] = {(int32_t)k, is_turned ? 4 * WEIGHTS : 0};
    int32_t place[2] = {(int32_t)x, (int32_t)y};
    int32_t addend[2] = {0, STARTS};
    int32_t left = channels;
    int32_t ends[2], quant[2], gap;
    /* LDM fills registers in the order of their numbers. */
    register uint32_t w0 __asm__("r0");
    register uint32_t w1 __asm__("r1");
    register uint32_t w2 __asm__("r2");
    register uint32_t w3 __asm__("r3");
    register uint32_t w4 __asm__("r4");
    register uint32_t w5 __asm__("r5");
    register uint32_t s __asm__("r8");
    register uint32_t t __asm__("r9");
    register uint32_t u __asm__("r10");
    register uint32_t last __asm__("r11");
    uint32_t x_at, y_at, a, b;

    if (EDGEQ_HAS_SHORT_CUTS && !v->has_gaps) {
        __asm__ volatile(CHANNEL SUMS NEXT OPERANDS);
    } else {
        __asm__ volatile(CHANNEL SUMS GAPS NEXT OPERANDS);
    }
}
#else
static void convolve_channels(const image *v, const uint32_t *x, const int32_t *k, bool is_turned, int32_t channels,
                              int32_t row_step, int8_t *y)
{
    int32_t c, i, column;

    for (c = 0; c < channels; ++c, x += v->plane, k += RECORD) {
        const int32_t *const w = k + (is_turned ? WEIGHTS : 0);
        const int32_t *const of = k + 2 * WEIGHTS;
        const edgeq_half_quant quant = {0, of[2], of[3], v->middle};
        for (i = 0; i < v->length; ++i) {
            int8_t *const to = y + i * v->x_step + c;
            uint32_t sums = 0;
            for (column = 0; column < WINDOW; ++column) {
                const uint32_t *const at = x + 2 * (i + column);
                sums = edgeq_mac_both_wrapping(at[0], (uint32_t)w[2 * column], sums);
                sums = edgeq_mac_both_wrapping(at[1], (uint32_t)w[2 * column + 1], sums);
            }
            sums = 4u * sums + STARTS;
            to[row_step] = edgeq_finish_half_s8(edgeq_scale_high_half(of[1], sums, quant.addend), quant);
            to[0] = edgeq_finish_half_s8(edgeq_scale_low_half(of[0], sums, quant.addend), quant);
        }
    }
}
#endif

/* The same with limits. */
static EDGEQ_NOINLINE void convolve_lines(const image *v, const uint32_t *x, const int32_t *k, bool is_turned,
                                          int32_t channels, int32_t row_step, int8_t *y)
{
    int32_t i, c;

    convolve_channels(v, x, k, is_turned, channels, row_step, y);
    if (v->is_limited) {
        for (i = v->length; i > 0; --i, y += v->x_step) {
            for (c = 0; c < channels; ++c) {
                y[c] = (int8_t)edgeq_clamp(y[c], v->low, v->high);
                y[row_step + c] = (int8_t)edgeq_clamp(y[row_step + c], v->low, v->high);
            }
        }
    }
}

/* A channel's record, of its nine weights, column by column, and its words of requantization. */
static inline void unpack(int32_t *record, const int32_t *quant, bool has_gaps, const int32_t w[WINDOW * WINDOW])
{
    int32_t column;

#pragma GCC unroll 3
    for (column = 0; column < WINDOW; ++column, w += WINDOW, record += 2) {
        const uint32_t low = (uint32_t)w[1] + ((uint32_t)w[0] << 14);
        const uint32_t high = (uint32_t)w[2] + ((uint32_t)w[1] << 14);
        const int32_t first = (int32_t)edgeq_low_lanes((uint32_t)w[0], low);
        const int32_t second = (int32_t)edgeq_low_lanes(high, (uint32_t)w[2] << 14);
        record[0] = first;
        record[1] = second;
        record[WEIGHTS] = second;
        record[WEIGHTS + 1] = first;
    }
    record[WEIGHTS] = quant[0] / 4;
    record[WEIGHTS + 1] = quant[0];
    record[WEIGHTS + 2] = quant[1];
    record[WEIGHTS + 3] = has_gaps ? quant[2] : 0;
}

/* Records of four channels from c on. */
static EDGEQ_NOINLINE void unpack_four(int32_t *records, const int32_t *quant, bool has_gaps, const int8_t *packed,
                                       bool is_binary, int32_t c)
{
    const int32_t words = has_gaps ? 3 : 2;
    const int32_t end = c + CHANNELS;
    int32_t w[WINDOW * WINDOW];
    int32_t i;

    for (quant += c * words; c < end; ++c, records += RECORD, quant += words) {
        const uint32_t bits = (uint32_t)(WINDOW * WINDOW * c) << (is_binary ? 0 : 1);
        const uint32_t fields = edgeq_load_s8x4(packed + (bits >> 3)) >> (bits & 7u);
        if (is_binary) {
#pragma GCC unroll 9
            for (i = 0; i < WINDOW * WINDOW; ++i) {
                w[i] = 1 - (int32_t)((fields >> i << 1) & 2u);
            }
        } else {
#pragma GCC unroll 9
            for (i = 0; i < WINDOW * WINDOW; ++i) {
                w[i] = edgeq_wrap_s32(fields << (30 - 2 * i)) >> 30;
            }
        }
        unpack(records, quant, has_gaps, w);
    }
}

arm_cmsis_nn_status edgeq_depthwise_conv_3x3_narrow_dsp_s8(const cmsis_nn_context *ctx,
                                                           const cmsis_nn_dw_conv_params *dw_conv_params,
                                                           const edgeq_narrow_filters *filters,
                                                           const cmsis_nn_dims *input_dims,
                                                           const int8_t *input_data,
                                                           const cmsis_nn_dims *filter_dims,
                                                           bool by_columns,
                                                           const cmsis_nn_dims *output_dims,
                                                           int8_t *output_data)
{
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    const cmsis_nn_dims *const in = input_dims;
    const int32_t channels = in->c;
    const int32_t row = in->w * channels;
    const int32_t lines = by_columns ? in->w : in->h;
    int32_t *const records = ctx->buf;
    uint32_t *const strip = (uint32_t *)ctx->buf + CHANNELS * RECORD;
    int32_t n, c, done;
    image v;

    v.length = by_columns ? in->h : in->w;
    if (!edgeq_is_padded_3x3(p, in, filter_dims, output_dims, CHANNELS) || v.length < 2) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    v.x_step = by_columns ? row : channels;
    v.line_step = by_columns ? channels : row;
    v.plane = 2 * (v.length + 2);
    v.middle = filters->middle;
    v.has_gaps = filters->has_gaps;
    v.low = p->activation.min;
    v.high = p->activation.max;
    v.is_limited = v.low > -128 || v.high < 127;
    if (records == NULL || ctx->size < CHANNELS * (RECORD + v.plane) * (int32_t)sizeof(*records)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (c = 0; c < CHANNELS; ++c) {
        v.outside[c] = (int8_t)-p->input_offset;
    }
    for (c = 0; c < 2; ++c) {
        put_column(&v, strip + c, edgeq_load_s8x4(v.outside), edgeq_load_s8x4(v.outside));
        put_column(&v, strip + v.plane - 2 + c, edgeq_load_s8x4(v.outside), edgeq_load_s8x4(v.outside));
    }
    for (n = 0; n < in->n; ++n, input_data += in->h * row, output_data += in->h * row) {
        for (done = 0; done < channels; done = c + CHANNELS) {
            const int32_t last = channels - CHANNELS;
            int32_t line;

            /* The last four channels may hold some that have been computed, and their input overwritten. */
            c = done < last ? done : last;
            unpack_four(records, filters->quant, v.has_gaps, filters->packed, filters->is_binary, c);
            widen_lines(&v, NULL, input_data + c, strip + 2);
            for (line = 0; line < lines; line += 2) {
                const int8_t *const x = input_data + line * v.line_step + c;
                const int32_t place = (line >> 1) & 1; /* in the strip, of the first pair of lines */

                widen_lines(&v, line + 1 < lines ? x + v.line_step : NULL,
                            line + 2 < lines ? x + 2 * v.line_step : NULL, strip + 3 - place);
                convolve_lines(&v, strip + (done - c) * v.plane, records + (done - c) * RECORD, place != 0,
                               CHANNELS - (done - c), line + 1 < lines ? v.line_step : 0,
                               output_data + line * v.line_step + done);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
