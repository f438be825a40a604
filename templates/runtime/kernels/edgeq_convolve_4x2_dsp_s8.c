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
#include "edgeq_kernels_dsp.h"
#include "edgeq_widened.h"

#define PIXELS EDGEQ_WIDENED
/* Words of a record but for the weights: two of bias, three of requantization for each channel. */
#define RECORD 8

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
static EDGEQ_NOINLINE void convolve_four(const edgeq_widened *v, const uint32_t *x, const int32_t *k, const int32_t *k_end,
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
static void convolve_four(const edgeq_widened *v, const uint32_t *x, const int32_t *k, const int32_t *k_end, int8_t *y)
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
static void convolve_all(const edgeq_widened *v, const uint32_t *x, const int32_t *packed, int8_t *y)
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
    return edgeq_convolve_by_four(ctx, conv_params, input_dims, input_data, filter_dims, packed, backwards, output_dims,
                                  output_data, convolve_all);
}
