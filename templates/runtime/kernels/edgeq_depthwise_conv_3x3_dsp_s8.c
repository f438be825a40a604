/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution by 3x3 windows, one pixel apart, for cores with the DSP extension: two pixels of a channel at a
 * time. Input and output are images of one size, and may be the very same memory.
 *
 * Four channels at a time are taken through the whole image. Each line is widened once: every word then holds two
 * neighbouring pixels of one channel, its offset added; the three lines that windows lie on are interleaved, so that
 * the sums of two outputs, 18 MACs, take 12 multiplications and four loads. With requantization and all else it comes to
 * some 34 instructions, 1.9 per MAC. The nine weights stay in registers along a line. They are 16 bits wide and doubled,
 * and so is the bias, which saves requantization a shift. Lines are rows, or columns where the image is higher than wide.
 */
#include "edgeq_dsp.h"
#include "edgeq_kernels_dsp.h"
#include "edgeq_window.h"

#define LINES 3
#define CHANNELS 4
/*
 * Words of a channel's record: bias; requantization; of rows 0, 1, 2, 0, 1 of weights each (w0, w1) and (w1, w2): three
 * of them in a row fit the lines of the strip, whichever of these is the uppermost.
 */
#define RECORD 14
#define WEIGHTS 4

/* An image seen along its lines. */
typedef struct {
    int32_t length;    /* pixels of a line */
    int32_t x_step;    /* bytes from pixel to pixel of a line */
    int32_t line_step; /* bytes from line to line */
    int32_t words;     /* words of a widened line */
    uint32_t offset;   /* the input's offset in both lanes */
    bool is_limited;   /* whether the activation is narrower than int8 */
    bool is_plain;     /* whether saturation to int8 is all that limits, and cuts off what is below the zero point */
    int32_t low;
    int32_t high;
} image;

/* Widened pixels of four channels at `at`, as lanes of channels 0 and 2 and of 1 and 3. */
typedef struct {
    uint32_t even;
    uint32_t odd;
} pixel;

static inline pixel widened(const image *v, const int8_t *at)
{
    const uint32_t bytes = edgeq_load_s8x4(at);
    const pixel p = {edgeq_add_even_bytes(v->offset, bytes), edgeq_add_odd_bytes(v->offset, bytes)};
    return p;
}

/* One word of each channel: two neighbouring pixels. Channels are `plane` words apart. */
static inline void put(uint32_t *to, int32_t plane, pixel left, pixel right)
{
    to[0] = edgeq_low_lanes(left.even, right.even);
    to[plane] = edgeq_low_lanes(left.odd, right.odd);
    to[2 * plane] = edgeq_high_lanes(left.even, right.even);
    to[3 * plane] = edgeq_high_lanes(left.odd, right.odd);
}

/* The words of a line between its first and its last, from the second pixel at x on; returns the pixel after them. */
#if defined(__ARM_FEATURE_DSP)
static inline const int8_t *put_inner(const image *v, const int8_t *x, uint32_t *to)
{
    uint32_t *to2 = to + 2 * LINES * v->words;
    const uint32_t *const end = to + LINES * (v->words - 2);
    uint32_t even, odd, next_even, next_odd, word;

    __asm__("1:\n\t"
            "ldr %[odd], [%[x]]\n\t"
            "ldr %[next_odd], [%[x], %[step]]\n\t"
            "add %[x], %[x], %[step], lsl #1\n\t"
            "sxtab16 %[even], %[offset], %[odd]\n\t"
            "sxtab16 %[odd], %[offset], %[odd], ror #8\n\t"
            "sxtab16 %[next_even], %[offset], %[next_odd]\n\t"
            "sxtab16 %[next_odd], %[offset], %[next_odd], ror #8\n\t"
            "pkhbt %[word], %[odd], %[next_odd], lsl #16\n\t"
            "str %[word], [%[to], %[plane]]\n\t"
            "pkhbt %[word], %[even], %[next_even], lsl #16\n\t"
            "str %[word], [%[to]], #12\n\t"
            "pkhtb %[word], %[next_odd], %[odd], asr #16\n\t"
            "str %[word], [%[to2], %[plane]]\n\t"
            "pkhtb %[word], %[next_even], %[even], asr #16\n\t"
            "str %[word], [%[to2]], #12\n\t"
            "cmp %[to], %[end]\n\t"
            "bne 1b"
            : [x] "+r"(x), [to] "+r"(to), [to2] "+r"(to2), [even] "=&r"(even), [odd] "=&r"(odd),
              [next_even] "=&r"(next_even), [next_odd] "=&r"(next_odd), [word] "=&r"(word)
            : [step] "r"(v->x_step), [offset] "r"(v->offset), [plane] "r"(4 * LINES * v->words), [end] "r"(end)
            : "cc", "memory");
    return x;
}
#else
static inline const int8_t *put_inner(const image *v, const int8_t *x, uint32_t *to)
{
    int32_t word;

    for (word = v->words - 2; word > 0; --word, x += 2 * v->x_step, to += LINES) {
        put(to, LINES * v->words, widened(v, x), widened(v, x + v->x_step));
    }
    return x;
}
#endif

/* Widens the line at x into every third word from `to` on; NULL: a line beside the image. Pixels beside it are 0. */
static EDGEQ_NOINLINE void widen_line(const image *v, const int8_t *x, uint32_t *to)
{
    const int32_t plane = LINES * v->words;
    const int32_t step = v->x_step;
    const pixel none = {0, 0};
    int32_t word;

    if (x == NULL) {
        for (word = v->words; word > 0; --word, to += LINES) {
            put(to, plane, none, none);
        }
        return;
    }
    put(to, plane, none, widened(v, x));
    to += LINES;
    if (v->words > 2) {
        x = put_inner(v, x + step, to);
        to += LINES * (v->words - 2);
    } else {
        x += step;
    }
    put(to, plane, (v->length & 1) == 0 ? widened(v, x) : none, none);
}

/* The sum of one output whose first two columns are at x. */
static inline int32_t sum_of(int32_t bias, const int32_t *w, const uint32_t *x)
{
    int32_t sum = bias;
    int32_t line;

    for (line = 0; line < LINES; ++line) {
        sum = edgeq_mac_both(x[line], (uint32_t)w[2 * line], sum);
        sum = edgeq_mac_low(x[line + LINES], (uint32_t)w[2 * line + 1] >> 16, sum);
    }
    return sum;
}

static inline int8_t finished(const image *v, int32_t sum, edgeq_channel_quant quant)
{
    const int32_t value = edgeq_finish_s8(sum, quant);
    return (int8_t)(v->is_limited ? edgeq_clamp(value, v->low, v->high) : value);
}

#if defined(__ARM_FEATURE_DSP)
/* By hand: it takes all fourteen registers. */
#define TAPS(x, next, w01, w12)                                  \
    "smlad %[a], %[" x "], %[" w01 "], %[a]\n\t"                 \
    "smlatb %[b], %[" x "], %[" w01 "], %[b]\n\t"                \
    "smlabt %[a], %[" next "], %[" w12 "], %[a]\n\t"             \
    "smlad %[b], %[" next "], %[" w12 "], %[b]\n\t"
#define SUMS                                                     \
    "1:\n\t"                                                     \
    "ldr %[a], %[bias]\n\t"                                      \
    "ldrd %[s], %[t], [%[x]]\n\t"                                \
    "ldrd %[u], %[v], [%[x], #12]\n\t"                           \
    "mov %[b], %[a]\n\t" TAPS("s", "u", "w01", "w12")            \
    TAPS("t", "v", "w34", "w45")                                 \
    "ldr %[s], [%[x], #8]\n\t"                                   \
    "ldr %[u], [%[x], #20]\n\t" TAPS("s", "u", "w67", "w78")     \
    "ldr %[s], %[multiplier]\n\t"                                \
    "ldr %[t], %[addend]\n\t"                                    \
    "ldr %[u], %[shift]\n\t"
#define STORE                                                    \
    "asr %[a], %[a], %[u]\n\t"                                   \
    "asr %[b], %[b], %[u]\n\t"                                   \
    "ldr %[s], %[step]\n\t"                                      \
    "ldr %[t], %[end]\n\t"                                       \
    "ssat %[a], #8, %[a]\n\t"                                    \
    "ssat %[b], #8, %[b]\n\t"
#define NEXT                                                     \
    "strb %[a], [%[y]]\n\t"                                      \
    "strb %[b], [%[y], %[s]]\n\t"                                \
    "add %[y], %[y], %[s], lsl #1\n\t"                           \
    "add %[x], %[x], #12\n\t"                                    \
    "cmp %[x], %[t]\n\t"                                         \
    "bne 1b"
#define OPERANDS                                                                                                  \
    : [x] "+r"(x), [y] "+r"(y), [a] "=&r"(a), [b] "=&r"(b), [s] "=&r"(s), [t] "=&r"(t), [u] "=&r"(u), [v] "=&r"(p) \
    : [w01] "r"(w[0]), [w12] "r"(w[1]), [w34] "r"(w[2]), [w45] "r"(w[3]), [w67] "r"(w[4]), [w78] "r"(w[5]), [bias] "m"(bias), [multiplier] "m"(multiplier), [addend] "m"(addend),                 \
      [shift] "m"(shift), [step] "m"(step), [end] "m"(end)                                                        \
    : "cc", "memory"

/* Outputs 0 ... 2 * pairs - 1 of a line without limits; returns where the next one goes. */
static inline int8_t *convolve_pairs(const image *v, int32_t bias, edgeq_channel_quant quant, const int32_t *w,
                                     const uint32_t *x, int32_t pairs, int8_t *y)
{
    const uint32_t *const end = x + LINES * pairs;
    const int32_t step = v->x_step;
    const int32_t multiplier = quant.multiplier;
    const int32_t addend = quant.addend;
    const int32_t shift = quant.shift;
    uint32_t a, b, s, t, u, p;

    if (EDGEQ_HAS_SHORT_CUTS && v->is_plain) {
        __asm__(SUMS "smmlar %[a], %[a], %[s], %[t]\n\t"
                     "smmlar %[b], %[b], %[s], %[t]\n\t" STORE NEXT OPERANDS);
    } else {
        __asm__(SUMS "add %[v], %[t], %[a], asr #31\n\t"
                     "add %[t], %[t], %[b], asr #31\n\t"
                     "smmlar %[a], %[a], %[s], %[v]\n\t"
                     "smmlar %[b], %[b], %[s], %[t]\n\t" STORE NEXT OPERANDS);
    }
    return y;
}
#else
static inline int8_t *convolve_pairs(const image *v, int32_t bias, edgeq_channel_quant quant, const int32_t *w,
                                     const uint32_t *x, int32_t pairs, int8_t *y)
{
    for (; pairs > 0; --pairs, x += LINES) {
        int32_t first = bias;
        int32_t second = bias;
        int32_t line;
        for (line = 0; line < LINES; ++line) {
            const uint32_t next = x[line + LINES];
            const uint32_t w01 = (uint32_t)w[2 * line];
            const uint32_t w12 = (uint32_t)w[2 * line + 1];
            first = edgeq_mac_both(x[line], w01, first);
            first = edgeq_mac_low(next, w12 >> 16, first);
            second = edgeq_mac_low(x[line] >> 16, w01, second);
            second = edgeq_mac_both(next, w12, second);
        }
        y[0] = (int8_t)(v->is_plain ? edgeq_finish_above_s8(first, quant) : edgeq_finish_s8(first, quant));
        y += v->x_step;
        y[0] = (int8_t)(v->is_plain ? edgeq_finish_above_s8(second, quant) : edgeq_finish_s8(second, quant));
        y += v->x_step;
    }
    return y;
}
#endif

/* A line of one channel, whose strip is at x; k is the channel's record, w its weights in the order of the strip. */
static EDGEQ_NOINLINE void convolve_line(const image *v, const uint32_t *x, const int32_t *k, const int32_t *w, int8_t *y)
{
    const int32_t pairs = v->length / 2;
    const edgeq_channel_quant quant = {k[1], k[2], k[3]};
    int32_t i;

    if (pairs > 0) {
        int8_t *at = y;
        y = convolve_pairs(v, k[0], quant, w, x, pairs, y);
        if (v->is_limited) {
            for (i = 2 * pairs; i > 0; --i, at += v->x_step) {
                *at = (int8_t)edgeq_clamp(*at, v->low, v->high);
            }
        }
    }
    if ((v->length & 1) != 0) {
        *y = finished(v, sum_of(k[0], w, x + LINES * pairs), quant);
    }
}

arm_cmsis_nn_status edgeq_depthwise_conv_3x3_dsp_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_dw_conv_params *dw_conv_params,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int32_t *packed,
                                                    bool by_columns,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data)
{
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    const cmsis_nn_dims *const in = input_dims;
    const int32_t channels = in->c;
    const int32_t row = in->w * channels;
    const int32_t lines = by_columns ? in->w : in->h;
    uint32_t *const strip = ctx->buf;
    int32_t plane, n, c, done;
    image v;

    if (in->n < 1 || in->h < 1 || in->w < 1 || channels < CHANNELS || filter_dims->h != 3 || filter_dims->w != 3 ||
        output_dims->h != in->h || output_dims->w != in->w || output_dims->c != channels || p->ch_mult != 1 ||
        p->stride.h != 1 || p->stride.w != 1 || p->dilation.h != 1 || p->dilation.w != 1 || p->padding.h != 1 ||
        p->padding.w != 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    v.length = by_columns ? in->h : in->w;
    v.x_step = by_columns ? row : channels;
    v.line_step = by_columns ? channels : row;
    v.words = (v.length + 1) / 2 + 1;
    v.offset = ((uint32_t)p->input_offset & 0xffffu) | ((uint32_t)p->input_offset << 16);
    v.low = p->activation.min;
    v.high = p->activation.max;
    v.is_limited = v.low > -128 || v.high < 127;
    v.is_plain = p->output_offset == -128;
    plane = LINES * v.words;
    if (strip == NULL || ctx->size < CHANNELS * plane * (int32_t)sizeof(*strip)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (n = 0; n < in->n; ++n, input_data += in->h * row, output_data += in->h * row) {
        const int32_t *k = packed;
        for (done = 0; done < channels; done = c + CHANNELS, k += CHANNELS * RECORD) {
            const int32_t last = channels - CHANNELS;
            int32_t place = 0; /* of the uppermost line in the strip */
            int32_t line, i;

            /* The last four channels may hold some that have been computed, and their input overwritten. */
            c = done < last ? done : last;
            widen_line(&v, NULL, strip);
            widen_line(&v, input_data + c, strip + 1);
            for (line = 0; line < lines; ++line) {
                const int8_t *const next = line + 1 < lines ? input_data + (line + 1) * v.line_step + c : NULL;
                widen_line(&v, next, strip + (place == 0 ? LINES - 1 : place - 1));
                for (i = done - c; i < CHANNELS; ++i) {
                    /* The weights of row 0 belong to the line at `place`. */
                    const int32_t *const w = k + i * RECORD + WEIGHTS + (place == 0 ? 0 : 2 * (LINES - place));
                    convolve_line(&v, strip + i * plane, k + i * RECORD, w, output_data + line * v.line_step + c + i);
                }
                place = place == LINES - 1 ? 0 : place + 1;
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
