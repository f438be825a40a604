/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution by 3x3 windows, one pixel apart, for cores with the DSP extension: two pixels of a channel at a
 * time. Input and output are images of one size, and may be the very same memory.
 *
 * Four channels at a time are taken through the whole image. Each line is widened once: every word then holds two
 * neighbouring pixels of one channel, its offset added; the three lines that windows lie on are interleaved, so that
 * the sums of two outputs, 18 MACs, take 12 multiplications and two loads. With requantization and all else it comes to
 * 26 instructions, 1.4 per MAC. The nine weights stay in registers along a line. They are 16 bits wide and doubled, or
 * more where that lets all channels requantize by one shift, and so is the bias. Lines are rows, or columns where the
 * image is higher than wide.
 */
#include "edgeq_convolution.h"
#include "edgeq_dsp.h"
#include "edgeq_kernels_dsp.h"
#include "edgeq_window.h"

#define LINES 3
#define CHANNELS 4
/*
 * Words of a channel's record: bias; requantization, two or three; of rows 0, 1, 2, 0, 1 of weights each (w0, w1) and
 * (w1, w2): three of them in a row fit the lines of the strip, whichever of these is the uppermost.
 */
#define RECORD(v) ((v)->has_one_shift ? 13 : 14)
#define WEIGHTS 10

/* An image seen along its lines. */
typedef struct {
    int32_t length;    /* pixels of a line */
    int32_t x_step;    /* bytes from pixel to pixel of a line */
    int32_t line_step; /* bytes from line to line */
    int32_t words;     /* words of a widened line */
    uint32_t offset;   /* the input's offset in both lanes */
    bool is_limited;   /* whether the activation is narrower than int8 */
    bool has_one_shift; /* whether edgeq_finish_at_once_s8 serves all channels: never in small code */
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

/*
 * The results of a line of `channels` neighbouring channels, one above: their strips begin at x, their records at k, their
 * results at y; `weights` is the number of words from a record to the weights. Limits narrower than int8 are for the caller.
 */
#if defined(__ARM_FEATURE_DSP)
/* By hand: it takes all fourteen registers. A record with its weights, and where its line begins. */
#define CHANNEL(record)                                          \
    "0:\n\t"                                                     \
    "ldrd %[s], %[t], %[table]\n\t"                              \
    "add %[t], %[s], %[t]\n\t"                                   \
    "ldm %[t], {%[w01], %[w12], %[w34], %[w45], %[w67], %[w78]}\n\t" \
    "ldrd %[a], %[b], [%[s]]\n\t"                                \
    "ldrd %[t], %[u], [%[s], #8]\n\t"                            \
    "add %[s], %[s], #4 * " record "\n\t"                        \
    "str %[s], %[table]\n\t"                                     \
    "strd %[a], %[a], %[bias]\n\t"                               \
    "strd %[b], %[t], %[quant]\n\t"                              \
    "str %[u], %[shift]\n\t"                                     \
    "ldrd %[x], %[y], %[place]\n\t"                              \
    "ldrd %[s], %[t], %[begin]\n\t"                              \
    "ldr %[u], %[plane]\n\t"                                     \
    "add %[t], %[x], %[t]\n\t"                                   \
    "strd %[s], %[t], %[walk]\n\t"                               \
    "add %[u], %[x], %[u]\n\t"                                   \
    "add %[v], %[y], #1\n\t"                                     \
    "strd %[u], %[v], %[place]\n"
#define TAPS(x, next, w01, w12)                                  \
    "smlad %[a], %[" x "], %[" w01 "], %[a]\n\t"                 \
    "smlatb %[b], %[" x "], %[" w01 "], %[b]\n\t"                \
    "smlabt %[a], %[" next "], %[" w12 "], %[a]\n\t"             \
    "smlad %[b], %[" next "], %[" w12 "], %[b]\n\t"
/* Two outputs. Three words of lines, then their next ones, one of which has come along. */
#define SUMS                                                     \
    "1:\n\t"                                                     \
    "ldrd %[a], %[b], %[bias]\n\t"                               \
    "ldm %[x]!, {%[s], %[t], %[u], %[v]}\n\t" TAPS("s", "v", "w01", "w12") \
    "ldrd %[s], %[v], [%[x]], #-4\n\t" TAPS("t", "s", "w34", "w45") TAPS("u", "v", "w67", "w78") \
    "ldrd %[s], %[t], %[quant]\n\t"
/* edgeq_finish_s8 */
#define FINISHED                                                 \
    "add %[u], %[t], %[a], asr #31\n\t"                          \
    "add %[v], %[t], %[b], asr #31\n\t"                          \
    "ldr %[t], %[shift]\n\t"                                     \
    "smmlar %[a], %[a], %[s], %[u]\n\t"                          \
    "smmlar %[b], %[b], %[s], %[v]\n\t"                          \
    "asr %[a], %[a], %[t]\n\t"                                   \
    "asr %[b], %[b], %[t]\n\t"                                   \
    "ssat %[a], #8, %[a]\n\t"                                    \
    "ssat %[b], #8, %[b]\n\t"
/* edgeq_finish_at_once_s8 */
#define FINISHED_AT_ONCE                                         \
    "smmla %[a], %[a], %[s], %[t]\n\t"                           \
    "smmla %[b], %[b], %[s], %[t]\n\t"                           \
    "ssat %[a], #8, %[a], asr " EDGEQ_ONE_SHIFT_TEXT "\n\t"      \
    "ssat %[b], #8, %[b], asr " EDGEQ_ONE_SHIFT_TEXT "\n\t"
/* An odd number of outputs ends with two at one place, of which the first stays. */
#define NEXT                                                     \
    "ldrd %[u], %[v], %[walk]\n\t"                               \
    "strb %[b], [%[y], %[u]]\n\t"                                \
    "strb %[a], [%[y]]\n\t"                                      \
    "add %[y], %[y], %[u], lsl #1\n\t"                           \
    "cmp %[x], %[v]\n\t"                                         \
    "bne 1b\n\t"                                                 \
    "ldr %[t], %[odd]\n\t"                                       \
    "ands %[s], %[u], %[t]\n\t"                                  \
    "beq 2f\n\t"                                                 \
    "mov %[s], #0\n\t"                                           \
    "add %[t], %[v], #12\n\t"                                    \
    "strd %[s], %[t], %[walk]\n\t"                               \
    "b 1b\n"                                                     \
    "2:\n\t"                                                     \
    "ldr %[s], %[left]\n\t"                                      \
    "subs %[s], %[s], #1\n\t"                                    \
    "str %[s], %[left]\n\t"                                      \
    "bne 0b"
#define OPERANDS                                                                                                    \
    : [w01] "=&r"(w01), [w12] "=&r"(w12), [w34] "=&r"(w34), [w45] "=&r"(w45), [w67] "=&r"(w67), [w78] "=&r"(w78),    \
      [x] "=&r"(x_at), [y] "=&r"(y_at), [a] "=&r"(a), [b] "=&r"(b), [s] "=&r"(s), [t] "=&r"(t), [u] "=&r"(u),        \
      [v] "=&r"(last), [table] "+m"(table), [place] "+m"(place), [walk] "=m"(walk), [bias] "=m"(bias),             \
      [quant] "=m"(quant), [shift] "=m"(shift), [left] "+m"(left)                                                   \
    : [begin] "m"(begin), [plane] "m"(plane), [odd] "m"(odd)                                                        \
    : "cc", "memory"

static inline void convolve_channels(const image *v, const uint32_t *x, const int32_t *k, int32_t weights,
                                     int32_t channels, int8_t *y)
{
    const int32_t pairs = v->length / 2;
    int32_t table[2] = {(int32_t)k, 4 * weights};
    int32_t place[2] = {(int32_t)x, (int32_t)y};
    /* From result to result, and how far the strip goes: a single one is a pair of which one counts. */
    const int32_t begin[2] = {pairs > 0 ? v->x_step : 0, 4 * LINES * (pairs > 0 ? pairs : 1)};
    const int32_t plane = 4 * LINES * v->words;
    const int32_t odd = -(v->length & 1);
    int32_t left = channels;
    int32_t walk[2], bias[2], quant[2], shift;
    /* LDM fills registers in the order of their numbers. */
    register uint32_t w01 __asm__("r0");
    register uint32_t w12 __asm__("r1");
    register uint32_t w34 __asm__("r2");
    register uint32_t w45 __asm__("r3");
    register uint32_t w67 __asm__("r4");
    register uint32_t w78 __asm__("r5");
    register uint32_t s __asm__("r8");
    register uint32_t t __asm__("r9");
    register uint32_t u __asm__("r10");
    register uint32_t last __asm__("r11");
    uint32_t x_at, y_at, a, b;

    if (EDGEQ_HAS_SHORT_CUTS && v->has_one_shift) {
        __asm__ volatile(CHANNEL("13") SUMS FINISHED_AT_ONCE NEXT OPERANDS);
    } else {
        __asm__ volatile(CHANNEL("14") SUMS FINISHED NEXT OPERANDS);
    }
}
#else
static int8_t finished(const image *v, const int32_t *k, int32_t sum)
{
    const edgeq_word_pair pair = {(uint32_t)k[1], (uint32_t)k[2]};
    const edgeq_channel_quant quant = {k[1], k[2], k[3]};
    return (int8_t)(v->has_one_shift ? edgeq_finish_at_once_s8(sum, pair) : edgeq_finish_s8(sum, quant));
}

static void convolve_channels(const image *v, const uint32_t *x, const int32_t *k, int32_t weights, int32_t channels,
                              int8_t *y)
{
    int32_t c, i, line;

    for (c = 0; c < channels; ++c, x += LINES * v->words, k += RECORD(v)) {
        const int32_t *const w = k + weights;
        for (i = 0; i < v->length; ++i) {
            const uint32_t *const at = x + LINES * (i / 2);
            int32_t sum = k[0];
            for (line = 0; line < LINES; ++line) {
                const uint32_t next = at[line + LINES];
                const uint32_t w01 = (uint32_t)w[2 * line];
                const uint32_t w12 = (uint32_t)w[2 * line + 1];
                if ((i & 1) == 0) {
                    sum = edgeq_mac_low(next, w12 >> 16, edgeq_mac_both(at[line], w01, sum));
                } else {
                    sum = edgeq_mac_both(next, w12, edgeq_mac_low(at[line] >> 16, w01, sum));
                }
            }
            y[i * v->x_step + c] = finished(v, k, sum);
        }
    }
}
#endif

/* The same with limits. place: of the uppermost line in the strip, to which the weights of row 0 belong. */
static EDGEQ_NOINLINE void convolve_line(const image *v, const uint32_t *x, const int32_t *k, int32_t place,
                                         int32_t channels, int8_t *y)
{
    int32_t i, c;

    convolve_channels(v, x, k, RECORD(v) - WEIGHTS + (place == 0 ? 0 : 2 * (LINES - place)), channels, y);
    if (v->is_limited) {
        for (i = v->length; i > 0; --i, y += v->x_step) {
            for (c = 0; c < channels; ++c) {
                y[c] = (int8_t)edgeq_clamp(y[c], v->low, v->high);
            }
        }
    }
}

arm_cmsis_nn_status edgeq_depthwise_conv_3x3_dsp_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_dw_conv_params *dw_conv_params,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int32_t *packed,
                                                    bool by_columns,
                                                    bool one_shift,
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

    if (!edgeq_is_padded_3x3(p, in, filter_dims, output_dims, CHANNELS) || (one_shift && !EDGEQ_HAS_SHORT_CUTS)) {
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
    v.has_one_shift = one_shift;
    plane = LINES * v.words;
    if (strip == NULL || ctx->size < CHANNELS * plane * (int32_t)sizeof(*strip)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (n = 0; n < in->n; ++n, input_data += in->h * row, output_data += in->h * row) {
        const int32_t *k = packed;
        for (done = 0; done < channels; done = c + CHANNELS, k += CHANNELS * RECORD(&v)) {
            const int32_t last = channels - CHANNELS;
            int32_t place = 0; /* of the uppermost line in the strip */
            int32_t line;

            /* The last four channels may hold some that have been computed, and their input overwritten. */
            c = done < last ? done : last;
            widen_line(&v, NULL, strip);
            widen_line(&v, input_data + c, strip + 1);
            for (line = 0; line < lines; ++line) {
                const int8_t *const next = line + 1 < lines ? input_data + (line + 1) * v.line_step + c : NULL;
                widen_line(&v, next, strip + (place == 0 ? LINES - 1 : place - 1));
                convolve_line(&v, strip + (done - c) * plane, k + (done - c) * RECORD(&v), place, CHANNELS - (done - c),
                              output_data + line * v.line_step + done);
                place = place == LINES - 1 ? 0 : place + 1;
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
