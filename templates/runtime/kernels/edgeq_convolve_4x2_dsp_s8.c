/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution for cores with the DSP extension: four output pixels by two channels at a time.
 *
 * The windows of four pixels are widened to int16 once, side by side, and serve all output channels. Two input bytes of
 * four pixels and two channels, 16 MACs, then cost 12 instructions (0.75 per MAC): one LDR of weights, one SXTB16, two
 * LDRD of inputs, eight SMLAD. What makes it so few is that a word holds two weights of two channels, 256 b + a in each
 * lane: the word as it is gives the sum of 256 b x + a x, its low bytes give that of a x, and half the difference,
 * shifted, is the sum of b x; exactly, as long as that sum needs 24 bits. Sums wrap on the way.
 *
 * The input's offset is part of the bias, and what lies outside of the image counts as the zero point.
 */
#include "edgeq_cursor.h"
#include "edgeq_dsp.h"
#include "edgeq_kernels.h"

#define PIXELS 4

/* What all windows have in common. */
typedef struct {
    int32_t runs;     /* of neighbouring bytes in a window */
    int32_t bytes;    /* of a run */
    int32_t steps;    /* pairs of inputs of a window: an even number */
    int32_t channels; /* of the output */
    int32_t y_step;   /* bytes from pixel to pixel of the output */
    bool is_plain;    /* whether saturation to int8 is all that limits, and cuts off what is below the zero point */
    bool is_limited;  /* whether the activation is narrower than int8 */
    int32_t low;
    int32_t high;
} layer;

/* Of each pixel the sum with both channels' weights in one, and that of the first channel. */
typedef struct {
    uint32_t both[PIXELS];
    uint32_t a[PIXELS];
} sums;

#if defined(__ARM_FEATURE_DSP)
/* By hand: it takes all fourteen registers. */
#define PAIR(x0, x1, both0, a0, both1, a1)                             \
    "ldrd %[" x0 "], %[" x1 "], [%[x]], #8\n\t"                        \
    "smlad %[" both0 "], %[" x0 "], %[w], %[" both0 "]\n\t"            \
    "smlad %[" a0 "], %[" x0 "], %[wa], %[" a0 "]\n\t"                 \
    "smlad %[" both1 "], %[" x1 "], %[w], %[" both1 "]\n\t"            \
    "smlad %[" a1 "], %[" x1 "], %[wa], %[" a1 "]\n\t"
#define STEP                                                           \
    "ldr %[w], [%[k]], #4\n\t"                                         \
    "sxtb16 %[wa], %[w]\n\t" PAIR("p", "q", "s0", "a0", "s1", "a1") PAIR("p", "q", "s2", "a2", "s3", "a3")

/* Adds the products of all inputs; *k, at the weights, is moved past them. */
static inline sums add_window(sums s, const uint32_t *x, const uint32_t *end, const int32_t **k)
{
    const int32_t *at = *k;
    uint32_t w, wa, p, q;

    /* Four steps at a time, after two where there are two more. */
    __asm__("ldr %[w], %[end]\n\t"
            "subs %[w], %[w], %[x]\n\t"
            "tst %[w], #32\n\t"
            "beq 1f\n\t" STEP STEP
            "ldr %[w], %[end]\n\t"
            "cmp %[x], %[w]\n\t"
            "beq 2f\n"
            "1:\n\t" STEP STEP STEP STEP
            "ldr %[w], %[end]\n\t"
            "cmp %[x], %[w]\n\t"
            "bne 1b\n"
            "2:"
            : [s0] "+r"(s.both[0]), [s1] "+r"(s.both[1]), [s2] "+r"(s.both[2]), [s3] "+r"(s.both[3]),
              [a0] "+r"(s.a[0]), [a1] "+r"(s.a[1]), [a2] "+r"(s.a[2]), [a3] "+r"(s.a[3]), [x] "+r"(x), [k] "+r"(at),
              [w] "=&r"(w), [wa] "=&r"(wa), [p] "=&r"(p), [q] "=&r"(q)
            : [end] "m"(end)
            : "cc", "memory");
    *k = at;
    return s;
}
#else
static inline sums add_window(sums s, const uint32_t *x, const uint32_t *end, const int32_t **k)
{
    int32_t pixel;

    for (; x != end; x += PIXELS) {
        const uint32_t w = (uint32_t)*(*k)++;
        const uint32_t wa = edgeq_even_bytes(w);
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            s.both[pixel] = edgeq_mac_both_wrapping(x[pixel], w, s.both[pixel]);
            s.a[pixel] = edgeq_mac_both_wrapping(x[pixel], wa, s.a[pixel]);
        }
    }
    return s;
}
#endif

#if defined(__ARM_FEATURE_DSP)
/* By hand, or the compiler keeps more in registers than there are. */
#define LIMITED(d)                          \
    "asr %[" d "], %[" d "], %[shift]\n\t"  \
    "ssat %[" d "], #8, %[" d "]\n\t"
#define SCALED(d) "smmlar %[" d "], %[" d "], %[multiplier], %[addend]\n\t"
#define SCALED_AWAY(d)                                              \
    "add %[t], %[addend], %[" d "], asr #31\n\t"                    \
    "smmlar %[" d "], %[" d "], %[multiplier], %[t]\n\t"

/* Four times edgeq_finish_above_s8. */
static inline void finish_above(int32_t d[PIXELS], edgeq_channel_quant q)
{
    __asm__(SCALED("d0") SCALED("d1") SCALED("d2") SCALED("d3") LIMITED("d0") LIMITED("d1") LIMITED("d2") LIMITED("d3")
            : [d0] "+r"(d[0]), [d1] "+r"(d[1]), [d2] "+r"(d[2]), [d3] "+r"(d[3])
            : [multiplier] "r"(q.multiplier), [addend] "r"(q.addend), [shift] "r"(q.shift));
}

/* Four times edgeq_finish_s8. */
static inline void finish(int32_t d[PIXELS], edgeq_channel_quant q)
{
    uint32_t t;
    __asm__(SCALED_AWAY("d0") SCALED_AWAY("d1") SCALED_AWAY("d2") SCALED_AWAY("d3")
            LIMITED("d0") LIMITED("d1") LIMITED("d2") LIMITED("d3")
            : [d0] "+r"(d[0]), [d1] "+r"(d[1]), [d2] "+r"(d[2]), [d3] "+r"(d[3]), [t] "=&r"(t)
            : [multiplier] "r"(q.multiplier), [addend] "r"(q.addend), [shift] "r"(q.shift));
}
#else
static inline void finish_above(int32_t d[PIXELS], edgeq_channel_quant q)
{
    int32_t pixel;
    for (pixel = 0; pixel < PIXELS; ++pixel) {
        d[pixel] = edgeq_finish_above_s8(d[pixel], q);
    }
}

static inline void finish(int32_t d[PIXELS], edgeq_channel_quant q)
{
    int32_t pixel;
    for (pixel = 0; pixel < PIXELS; ++pixel) {
        d[pixel] = edgeq_finish_s8(d[pixel], q);
    }
}
#endif

/* Results of one channel from d, twice its sums. */
static inline void put(const layer *v, int32_t d[PIXELS], edgeq_channel_quant quant, int8_t *y)
{
    const int32_t step = v->y_step;

    if (v->is_plain) {
        finish_above(d, quant);
    } else {
        finish(d, quant);
        if (v->is_limited) {
            int32_t pixel;
            for (pixel = 0; pixel < PIXELS; ++pixel) {
                d[pixel] = edgeq_clamp(d[pixel], v->low, v->high);
            }
        }
    }
    y[0] = (int8_t)d[0];
    y[step] = (int8_t)d[1];
    y += 2 * step;
    y[0] = (int8_t)d[2];
    y[step] = (int8_t)d[3];
}

/* All channels of four pixels, whose widened windows are at x. k is the table, one record per two channels. */
static EDGEQ_NOINLINE void convolve_four(const layer *v, const uint32_t *x, const int32_t *k, int8_t *y)
{
    const uint32_t *const end = x + PIXELS * v->steps;
    int32_t left = v->channels;

    for (;;) {
        const edgeq_word_pair bias = edgeq_next_pair(&k);
        sums s = {{bias.first, bias.first, bias.first, bias.first}, {bias.second, bias.second, bias.second, bias.second}};
        int32_t d[PIXELS];
        int32_t pixel;

        s = add_window(s, x, end, &k);
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            s.both[pixel] -= s.a[pixel];
            d[pixel] = (int32_t)(2u * s.a[pixel]);
        }
        put(v, d, edgeq_next_quant(&k), y);
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            d[pixel] = (int32_t)s.both[pixel] >> 7;
        }
        put(v, d, edgeq_next_quant(&k), y + 1);
        left -= 2;
        if (left <= 0) {
            return;
        }
        /* The last record is of the last two channels: with an odd number it computes one again. */
        y += left == 1 ? 1 : 2;
    }
}

/* Words that a multiple of two of them ends with where the last one holds nothing. */
static inline void end_words(const layer *v, uint32_t *to)
{
    if (((v->runs * (v->bytes & 3) + 1) / 2 & 1) != 0) {
        to[PIXELS * (v->steps - 1)] = 0;
    }
}

/*
 * Widens a window of `runs` runs, the first at x, `pitch` bytes apart, into every fourth word from `to` on: of each run
 * its whole words as lanes of bytes 0 and 2 and lanes of 1 and 3, then, of all runs, the bytes that remain, two by two.
 */
static inline void widen_runs(int32_t runs, int32_t bytes, const int8_t *x, int32_t pitch, uint32_t *to)
{
    const int32_t rest = bytes & 3;
    const int32_t words = bytes >> 2;
    uint32_t *to_rest = to + 2 * PIXELS * words * runs;
    int32_t count = 0; /* of bytes that remained so far */
    int32_t run, i;

    for (run = 0; run < runs; ++run, x += pitch) {
        const int8_t *p = x;
        for (i = words; i >= 2; i -= 2) {
            const uint32_t first = edgeq_load_s8x4(p);
            const uint32_t second = edgeq_load_s8x4(p + 4);
            to[0] = edgeq_even_bytes(first);
            to[PIXELS] = edgeq_odd_bytes(first);
            to[2 * PIXELS] = edgeq_even_bytes(second);
            to[3 * PIXELS] = edgeq_odd_bytes(second);
            to += 4 * PIXELS;
            p += 8;
        }
        if (i != 0) {
            const uint32_t first = edgeq_load_s8x4(p);
            to[0] = edgeq_even_bytes(first);
            to[PIXELS] = edgeq_odd_bytes(first);
            to += 2 * PIXELS;
            p += 4;
        }
        for (i = 0; i < rest; ++i, ++count) {
            const uint32_t byte = (uint32_t)(int32_t)p[i];
            /* The first of two sets the word, its high lane to 0. */
            if ((count & 1) == 0) {
                *to_rest = byte & 0xffffu;
            } else {
                *to_rest = edgeq_low_lanes(*to_rest, byte);
                to_rest += PIXELS;
            }
        }
    }
}

static EDGEQ_NOINLINE void widen_any(const layer *v, const int8_t *x, int32_t pitch, uint32_t *to)
{
    widen_runs(v->runs, v->bytes, x, pitch, to);
}

/* The first layer of most that see colours: three rows of three pixels of three bytes, without loops. */
static EDGEQ_NOINLINE void widen_3x3x3(const int8_t *x, int32_t pitch, uint32_t *to)
{
    uint32_t last[3];
    int32_t run;

#pragma GCC unroll 3
    for (run = 0; run < 3; ++run, x += pitch, to += 4 * PIXELS) {
        const uint32_t first = edgeq_load_s8x4(x);
        const uint32_t second = edgeq_load_s8x4(x + 4);
        last[run] = (uint32_t)(int32_t)x[8];
        to[0] = edgeq_even_bytes(first);
        to[PIXELS] = edgeq_odd_bytes(first);
        to[2 * PIXELS] = edgeq_even_bytes(second);
        to[3 * PIXELS] = edgeq_odd_bytes(second);
    }
    to[0] = edgeq_low_lanes(last[0], last[1]);
    to[PIXELS] = last[2] & 0xffffu;
}

static inline void widen(const layer *v, const int8_t *x, int32_t pitch, uint32_t *to)
{
    if (v->runs == 3 && v->bytes == 9) {
        widen_3x3x3(x, pitch, to);
    } else {
        widen_any(v, x, pitch, to);
    }
}

/* The same for four pixels as windows, `step` bytes apart. */
static EDGEQ_NOINLINE void widen_pixels(const layer *v, const int8_t *x, int32_t step, uint32_t *to)
{
    const int32_t rest = v->bytes & 3;
    const int8_t *const whole = x + (v->bytes - rest);
    int32_t i;

    for (; x != whole; x += 4, to += 2 * PIXELS) {
        const int8_t *const third = x + 2 * step;
        const uint32_t p = edgeq_load_s8x4(x);
        const uint32_t q = edgeq_load_s8x4(x + step);
        const uint32_t r = edgeq_load_s8x4(third);
        const uint32_t s = edgeq_load_s8x4(third + step);
        to[0] = edgeq_even_bytes(p);
        to[1] = edgeq_even_bytes(q);
        to[2] = edgeq_even_bytes(r);
        to[3] = edgeq_even_bytes(s);
        to[PIXELS] = edgeq_odd_bytes(p);
        to[PIXELS + 1] = edgeq_odd_bytes(q);
        to[PIXELS + 2] = edgeq_odd_bytes(r);
        to[PIXELS + 3] = edgeq_odd_bytes(s);
    }
    for (i = 0; i < rest; i += 2, x += 2) {
        const int8_t *p = x;
        int32_t pixel;
        for (pixel = 0; pixel < PIXELS; ++pixel, p += step) {
            const uint32_t second = i + 1 < rest ? (uint32_t)(int32_t)p[1] : 0u;
            *to++ = edgeq_low_lanes((uint32_t)(int32_t)p[0], second);
        }
    }
}

arm_cmsis_nn_status edgeq_convolve_4x2_dsp_s8(const cmsis_nn_context *ctx,
                                              const cmsis_nn_conv_params *conv_params,
                                              const cmsis_nn_dims *input_dims,
                                              const int8_t *input_data,
                                              const cmsis_nn_dims *filter_dims,
                                              const int32_t *packed,
                                              bool backwards,
                                              const cmsis_nn_dims *output_dims,
                                              int8_t *output_data)
{
    const cmsis_nn_conv_params *const p = conv_params;
    const int32_t channels = output_dims->c;
    const int32_t pixels = input_dims->n * output_dims->h * output_dims->w;
    const int32_t size = filter_dims->h * filter_dims->w * input_dims->c;
    const int32_t row = input_dims->w * input_dims->c;
    const bool is_run = p->dilation.w == 1 || filter_dims->w == 1; /* a row of a window */
    int8_t *y = output_data + (backwards ? (pixels - 1) * channels : 0);
    /* A window is a pixel, and they follow each other. */
    const bool is_pointwise = filter_dims->h == 1 && filter_dims->w == 1 && p->stride.h == 1 && p->stride.w == 1 &&
                              p->padding.h == 0 && p->padding.w == 0 && output_dims->h == input_dims->h &&
                              output_dims->w == input_dims->w;
    const int8_t *x = input_data + (backwards ? (pixels - 1) * size : 0);
    int32_t left = pixels;
    int32_t pitch, i;
    uint32_t *widened;
    int8_t *copy;
    edgeq_cursor c;
    layer v;

    if (!edgeq_is_convolution(p, input_dims, filter_dims, output_dims) || channels < 2) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    /* Taps side by side are one run; with a gap between them and in several rows, every window is copied. */
    v.runs = is_run ? filter_dims->h : 1;
    v.bytes = is_run ? filter_dims->w * input_dims->c : size;
    v.steps = 2 * (v.bytes / 4 * v.runs) + (v.runs * (v.bytes & 3) + 3) / 4 * 2;
    v.channels = channels;
    v.low = p->activation.min;
    v.high = p->activation.max;
    v.is_limited = v.low > -128 || v.high < 127;
    v.is_plain = !v.is_limited && p->output_offset == -128;
    pitch = is_run ? p->dilation.h * row : size;
    widened = ctx->buf;
    if (widened == NULL || ctx->size < PIXELS * v.steps * (int32_t)sizeof(*widened)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    copy = (int8_t *)(widened + PIXELS * v.steps);
    for (i = 0; i < PIXELS; ++i) {
        end_words(&v, widened + i);
    }
    c = edgeq_first_window(p, input_dims, filter_dims, output_dims, input_data, backwards);
    while (left > 0) {
        /* Pixels that make no four are computed one at a time, four times each. */
        const int32_t count = left >= PIXELS ? PIXELS : 1;

        if (is_pointwise) {
            const int32_t step = backwards ? -size : size;
            widen_pixels(&v, x, count == 1 ? 0 : step, widened);
            x += count * step;
        } else {
            edgeq_place w = edgeq_next_window(&c);
            for (i = 0; i < PIXELS; ++i) {
                if (i > 0 && count > 1) {
                    w = edgeq_next_window(&c);
                }
                if (w.is_inside && is_run) {
                    widen(&v, w.image + w.at, pitch, widened + i);
                } else {
                    if (ctx->size < PIXELS * v.steps * (int32_t)sizeof(*widened) + size) {
                        return ARM_CMSIS_NN_ARG_ERROR;
                    }
                    edgeq_copy_window(&c, w, copy);
                    widen(&v, copy, v.bytes, widened + i);
                }
            }
        }
        v.y_step = count == 1 ? 0 : backwards ? -channels : channels;
        convolve_four(&v, widened, packed, y);
        y += backwards ? -count * channels : count * channels;
        left -= count;
    }
    return ARM_CMSIS_NN_SUCCESS;
}
