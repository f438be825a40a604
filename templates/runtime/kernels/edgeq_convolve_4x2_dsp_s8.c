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
/* Words of a record but for the weights: two of bias, three of requantization for each channel. */
#define RECORD 8

/* What all windows have in common. */
typedef struct {
    int32_t runs;     /* of neighbouring bytes in a window */
    int32_t bytes;    /* of a run */
    int32_t steps;    /* pairs of inputs of a window: an even number */
    int32_t channels; /* of the output */
    int32_t y_step;   /* bytes from pixel to pixel of the output */
    bool is_plain;    /* whether saturation to int8 cuts off what is below the zero point */
    bool is_limited;  /* whether the activation is narrower than int8 */
    int32_t low;
    int32_t high;
} layer;

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

/* Four steps at a time, after two where there are two more. */
#define SUMS                                                           \
    "0:\n\t"                                                           \
    "ldrd %[s0], %[a0], [%[k]], #8\n\t"                                \
    "ldr %[x], %[start]\n\t"                                           \
    "ldr %[w], %[end]\n\t"                                             \
    "mov %[s1], %[s0]\n\t"                                             \
    "mov %[s2], %[s0]\n\t"                                             \
    "mov %[s3], %[s0]\n\t"                                             \
    "mov %[a1], %[a0]\n\t"                                             \
    "mov %[a2], %[a0]\n\t"                                             \
    "mov %[a3], %[a0]\n\t"                                             \
    "subs %[w], %[w], %[x]\n\t"                                        \
    "tst %[w], #32\n\t"                                                \
    "beq 1f\n\t" STEP STEP                                             \
    "ldr %[w], %[end]\n\t"                                             \
    "cmp %[x], %[w]\n\t"                                               \
    "beq 2f\n"                                                         \
    "1:\n\t" STEP STEP STEP STEP                                       \
    "ldr %[w], %[end]\n\t"                                             \
    "cmp %[x], %[w]\n\t"                                               \
    "bne 1b\n"                                                         \
    "2:\n\t"
/* Of each pixel d, twice its sum, becomes int8: edgeq_finish_above_s8, or edgeq_finish_s8 with a register for it. */
#define SCALED(t, d) "smmlar %[" d "], %[" d "], %[p], %[q]\n\t"
#define SCALED_AWAY(t, d)                                              \
    "add %[" t "], %[q], %[" d "], asr #31\n\t"                        \
    "smmlar %[" d "], %[" d "], %[p], %[" t "]\n\t"
#define LIMITED(d)                                                     \
    "asr %[" d "], %[" d "], %[w]\n\t"                                 \
    "ssat %[" d "], #8, %[" d "]\n\t"
#define FINISHED(scaled, t, d0, d1, d2, d3)                            \
    "ldrd %[p], %[q], [%[k]], #8\n\t"                                  \
    "ldr %[w], [%[k]], #4\n\t"                                         \
    scaled(t, d0) LIMITED(d0) scaled(t, d1) LIMITED(d1)                \
    scaled(t, d2) LIMITED(d2) scaled(t, d3) LIMITED(d3)
/* Pixels 1, 2 and 3; pixel 0 is at %[x], the step in %[wa]. */
#define OTHERS(d1, d2, d3)                                             \
    "strb %[" d1 "], [%[x], %[wa]]\n\t"                                \
    "strb %[" d2 "], [%[x], %[wa], lsl #1]\n\t"                        \
    "add %[" d1 "], %[x], %[wa]\n\t"                                   \
    "strb %[" d3 "], [%[" d1 "], %[wa], lsl #1]\n\t"
#define RESULTS(scaled)                                                \
    "sub %[s0], %[s0], %[a0]\n\t"                                      \
    "sub %[s1], %[s1], %[a1]\n\t"                                      \
    "sub %[s2], %[s2], %[a2]\n\t"                                      \
    "sub %[s3], %[s3], %[a3]\n\t"                                      \
    "lsl %[a0], %[a0], #1\n\t"                                         \
    "lsl %[a1], %[a1], #1\n\t"                                         \
    "lsl %[a2], %[a2], #1\n\t"                                         \
    "lsl %[a3], %[a3], #1\n\t" FINISHED(scaled, "x", "a0", "a1", "a2", "a3") \
    "ldr %[x], %[y]\n\t"                                               \
    "ldr %[wa], %[step]\n\t"                                           \
    "strb %[a0], [%[x]]\n\t" OTHERS("a1", "a2", "a3")                  \
    "asr %[s0], %[s0], #7\n\t"                                         \
    "asr %[s1], %[s1], #7\n\t"                                         \
    "asr %[s2], %[s2], #7\n\t"                                         \
    "asr %[s3], %[s3], #7\n\t" FINISHED(scaled, "a0", "s0", "s1", "s2", "s3") \
    "strb %[s0], [%[x], #1]!\n\t" OTHERS("s1", "s2", "s3")             \
    "ldr %[w], %[k_end]\n\t"                                           \
    "add %[x], %[x], #1\n\t"                                           \
    "str %[x], %[y]\n\t"                                               \
    "cmp %[k], %[w]\n\t"                                               \
    "bne 0b"
#define OPERANDS                                                                                                       \
    : [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3), [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2),  \
      [a3] "=&r"(a3), [x] "=&r"(x), [k] "+r"(k), [w] "=&r"(w), [wa] "=&r"(wa), [p] "=&r"(p), [q] "=&r"(q), [y] "+m"(y) \
    : [start] "m"(start), [end] "m"(end), [step] "m"(y_step), [k_end] "m"(k_end)                                       \
    : "cc", "memory"

/*
 * The channels of four pixels, two at a time, whose widened windows are at x; k is the table, one record per two
 * channels, up to k_end. Limits narrower than int8 are for the caller.
 */
static EDGEQ_NOINLINE void convolve_four(const layer *v, const uint32_t *x, const int32_t *k, const int32_t *k_end,
                                         int8_t *y)
{
    const uint32_t *const start = x;
    const uint32_t *const end = x + PIXELS * v->steps;
    const int32_t y_step = v->y_step;
    uint32_t s0, s1, s2, s3, a0, a1, a2, a3, w, wa, p, q;

    if (EDGEQ_HAS_SHORT_CUTS && v->is_plain) {
        __asm__(SUMS RESULTS(SCALED) OPERANDS);
    } else {
        __asm__(SUMS RESULTS(SCALED_AWAY) OPERANDS);
    }
}
#else
/* The same in C. */
static void convolve_four(const layer *v, const uint32_t *x, const int32_t *k, const int32_t *k_end, int8_t *y)
{
    for (; k != k_end; y += 2) {
        const int32_t *const quants = k + 2 + v->steps;
        int32_t pixel, step;

        for (pixel = 0; pixel < PIXELS; ++pixel) {
            int8_t *const to = y + pixel * v->y_step;
            const int32_t *quant = quants;
            uint32_t both = (uint32_t)k[0];
            uint32_t a = (uint32_t)k[1];
            edgeq_channel_quant of_a, of_b;
            int32_t b;

            for (step = 0; step < v->steps; ++step) {
                const uint32_t w = (uint32_t)k[2 + step];
                both = edgeq_mac_both_wrapping(x[PIXELS * step + pixel], w, both);
                a = edgeq_mac_both_wrapping(x[PIXELS * step + pixel], edgeq_even_bytes(w), a);
            }
            of_a = edgeq_next_quant(&quant);
            of_b = edgeq_next_quant(&quant);
            b = (int32_t)(both - a) >> 7;
            a *= 2u;
            to[0] = (int8_t)(v->is_plain ? edgeq_finish_above_s8((int32_t)a, of_a) : edgeq_finish_s8((int32_t)a, of_a));
            to[1] = (int8_t)(v->is_plain ? edgeq_finish_above_s8(b, of_b) : edgeq_finish_s8(b, of_b));
        }
        k = quants + 6;
    }
}
#endif

/* All channels: with an odd number the last record computes one again. */
static void convolve_all(const layer *v, const uint32_t *x, const int32_t *packed, int8_t *y)
{
    const int32_t record = v->steps + RECORD;
    const int32_t *const last = packed + v->channels / 2 * record;

    convolve_four(v, x, packed, last, y);
    if ((v->channels & 1) != 0) {
        convolve_four(v, x, last, last + record, y + v->channels - 2);
    }
    if (v->is_limited) {
        int32_t pixel, c;
        for (pixel = 0; pixel < PIXELS; ++pixel, y += v->y_step) {
            for (c = 0; c < v->channels; ++c) {
                y[c] = (int8_t)edgeq_clamp(y[c], v->low, v->high);
            }
        }
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

/*
 * The first layer of most that see colours: windows of three rows of three pixels of three bytes, `step` bytes apart,
 * without loops over rows.
 */
static inline void widen_3x3x3(const int8_t *x, int32_t pitch, int32_t step, int32_t windows, uint32_t *to)
{
    for (; windows > 0; --windows, x += step, ++to) {
        const int8_t *row = x;
        uint32_t *at = to;
        uint32_t last[3];
        int32_t run;

#pragma GCC unroll 3
        for (run = 0; run < 3; ++run, row += pitch, at += 4 * PIXELS) {
            const uint32_t first = edgeq_load_s8x4(row);
            const uint32_t second = edgeq_load_s8x4(row + 4);
            last[run] = (uint32_t)(int32_t)row[8];
            at[0] = edgeq_even_bytes(first);
            at[PIXELS] = edgeq_odd_bytes(first);
            at[2 * PIXELS] = edgeq_even_bytes(second);
            at[3 * PIXELS] = edgeq_odd_bytes(second);
        }
        at[0] = edgeq_low_lanes(last[0], last[1]);
        at[PIXELS] = last[2] & 0xffffu;
    }
}

/* Windows that lie `step` bytes apart. */
static EDGEQ_NOINLINE void widen(const layer *v, const int8_t *x, int32_t pitch, int32_t step, int32_t windows, uint32_t *to)
{
    if (EDGEQ_HAS_SHORT_CUTS && v->runs == 3 && v->bytes == 9) {
        widen_3x3x3(x, pitch, step, windows, to);
        return;
    }
    for (; windows > 0; --windows, x += step, ++to) {
        widen_runs(v->runs, v->bytes, x, pitch, to);
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

/*
 * The next windows, `count` of them or one four times; those that hang over, and all where pitch is 0, are copied first,
 * behind what is widened. False where `size`, of that memory in bytes, is too small.
 */
static EDGEQ_NOINLINE bool widen_one_by_one(const layer *v, edgeq_cursor *c, int32_t count, int32_t pitch, int32_t size,
                                            uint32_t *widened)
{
    int8_t *const copy = (int8_t *)(widened + PIXELS * v->steps);
    const int32_t step = count == 1 ? 0 : c->step_at; /* where there is no second window it stands still */
    const int32_t times = count == 1 ? PIXELS : 1;
    int32_t i;

    for (i = 0; i < count; ++i) {
        const edgeq_place w = edgeq_next_window(c);
        if (w.is_inside && pitch != 0) {
            widen(v, w.image + w.at, pitch, step, times, widened + i);
        } else if (size < PIXELS * v->steps * (int32_t)sizeof(*widened) + v->runs * v->bytes) {
            return false;
        } else {
            edgeq_copy_window(c, w, copy);
            widen(v, copy, v->bytes, step, times, widened + i);
        }
    }
    return true;
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
    v.is_plain = p->output_offset == -128;
    pitch = p->dilation.h * row;
    widened = ctx->buf;
    if (widened == NULL || ctx->size < PIXELS * v.steps * (int32_t)sizeof(*widened)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
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
            const int8_t *const inside = count > 1 && is_run ? edgeq_next_windows_inside(&c, PIXELS) : NULL;
            if (inside != NULL) {
                widen(&v, inside, pitch, c.step_at, PIXELS, widened);
            } else if (!widen_one_by_one(&v, &c, count, is_run ? pitch : 0, ctx->size, widened)) {
                return ARM_CMSIS_NN_ARG_ERROR;
            }
        }
        v.y_step = count == 1 ? 0 : backwards ? -channels : channels;
        convolve_all(&v, widened, packed, y);
        y += backwards ? -count * channels : count * channels;
        left -= count;
    }
    return ARM_CMSIS_NN_SUCCESS;
}
