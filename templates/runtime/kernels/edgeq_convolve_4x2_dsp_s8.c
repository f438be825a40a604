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

/* Results of one channel; `doubled` holds twice the sums. */
static inline void finish(const layer *v, int32_t doubled[PIXELS], edgeq_channel_quant quant, int8_t *y)
{
    const int32_t step = v->y_step;
    int32_t pixel;

    if (v->is_plain) {
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            doubled[pixel] = edgeq_finish_above_s8(doubled[pixel], quant);
        }
    } else {
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            doubled[pixel] = edgeq_finish_s8(doubled[pixel], quant);
        }
        if (v->is_limited) {
            const int32_t low = v->low;
            const int32_t high = v->high;
            for (pixel = 0; pixel < PIXELS; ++pixel) {
                doubled[pixel] = edgeq_clamp(doubled[pixel], low, high);
            }
        }
    }
    y[0] = (int8_t)doubled[0];
    y[step] = (int8_t)doubled[1];
    y[2 * step] = (int8_t)doubled[2];
    y[3 * step] = (int8_t)doubled[3];
}

/* All channels of four pixels, whose widened windows are at x. k is the table, one record per two channels. */
static EDGEQ_NOINLINE void convolve_four(const layer *v, const uint32_t *x, const int32_t *k, int8_t *y)
{
    const uint32_t *const end = x + PIXELS * v->steps;
    int32_t left = v->channels;

    for (;;) {
        const edgeq_word_pair bias = edgeq_next_pair(&k);
        sums s = {{bias.first, bias.first, bias.first, bias.first}, {bias.second, bias.second, bias.second, bias.second}};
        int32_t a[PIXELS];
        int32_t b[PIXELS];
        int32_t pixel;

        s = add_window(s, x, end, &k);
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            b[pixel] = (int32_t)(s.both[pixel] - s.a[pixel]) >> 7;
            a[pixel] = (int32_t)(2u * s.a[pixel]);
        }
        finish(v, a, edgeq_next_quant(&k), y);
        finish(v, b, edgeq_next_quant(&k), y + 1);
        left -= 2;
        if (left <= 0) {
            return;
        }
        /* The last record is of the last two channels: with an odd number it computes one again. */
        y += left == 1 ? 1 : 2;
    }
}

/*
 * Widens a window whose runs are at x, `pitch` bytes apart, into every fourth word from `to` on: of each run its whole
 * words as lanes of bytes 0 and 2 and lanes of 1 and 3, then, of all runs, the bytes that remain, two by two.
 */
static EDGEQ_NOINLINE void widen(const layer *v, const int8_t *x, int32_t pitch, uint32_t *to)
{
    const int32_t rest = v->bytes & 3;
    const int32_t words = v->bytes >> 2;
    uint32_t *to_rest = to + 2 * PIXELS * words * v->runs;
    uint32_t kept = 0;
    bool is_high = false;
    int32_t run, i;

    for (run = v->runs; run > 0; --run, x += pitch) {
        const int8_t *p = x;
        for (i = words & 3; i > 0; --i, p += 4, to += 2 * PIXELS) {
            const uint32_t four = edgeq_load_s8x4(p);
            to[0] = edgeq_even_bytes(four);
            to[PIXELS] = edgeq_odd_bytes(four);
        }
        for (i = words >> 2; i > 0; --i, p += 16, to += 8 * PIXELS) {
            const uint32_t first = edgeq_load_s8x4(p);
            const uint32_t second = edgeq_load_s8x4(p + 4);
            const uint32_t third = edgeq_load_s8x4(p + 8);
            const uint32_t fourth = edgeq_load_s8x4(p + 12);
            to[0] = edgeq_even_bytes(first);
            to[PIXELS] = edgeq_odd_bytes(first);
            to[2 * PIXELS] = edgeq_even_bytes(second);
            to[3 * PIXELS] = edgeq_odd_bytes(second);
            to[4 * PIXELS] = edgeq_even_bytes(third);
            to[5 * PIXELS] = edgeq_odd_bytes(third);
            to[6 * PIXELS] = edgeq_even_bytes(fourth);
            to[7 * PIXELS] = edgeq_odd_bytes(fourth);
        }
        for (i = 0; i < rest; ++i) {
            const uint32_t lane = (uint32_t)p[i] & 0xffffu;
            if (is_high) {
                *to_rest = kept | lane << 16;
                to_rest += PIXELS;
            } else {
                kept = lane;
            }
            is_high = !is_high;
        }
    }
    if (is_high) {
        *to_rest = kept;
        to_rest += PIXELS;
    }
    if (((uint32_t)(v->runs * rest + 1) / 2u & 1u) != 0u) {
        *to_rest = 0;
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
    int32_t left = pixels;
    int32_t pitch;
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
    c = edgeq_first_window(p, input_dims, filter_dims, output_dims, input_data, backwards);
    while (left > 0) {
        /* Pixels that make no four are computed one at a time, four times each. */
        const int32_t count = left >= PIXELS ? PIXELS : 1;
        edgeq_place w = edgeq_next_window(&c);
        int32_t i;

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
        v.y_step = count == 1 ? 0 : backwards ? -channels : channels;
        convolve_four(&v, widened, packed, y);
        y += backwards ? -count * channels : count * channels;
        left -= count;
    }
    return ARM_CMSIS_NN_SUCCESS;
}
