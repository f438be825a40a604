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
 * 256 times a sum is what most layers requantize, by one shift for all channels. The results of two channels are stored
 * together. The input's offset is part of the bias, and what lies outside of the image counts as the zero point.
 */
#include "edgeq_kernels_dsp.h"
#include "edgeq_widened.h"

#define PIXELS EDGEQ_WIDENED
/* Words of a record but for the weights: two of bias, two or three of requantization for each channel. */
#define RECORD(v) ((v)->has_one_shift ? 6 : 8)

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

/* The first step of all: four sums begin with the same words. */
#define FIRST                                                          \
    "ldr %[w], [%[k]], #4\n\t"                                         \
    "ldrd %[p], %[q], [%[x], #8]\n\t"                                  \
    "sxtb16 %[wa], %[w]\n\t"                                           \
    "smlad %[s2], %[p], %[w], %[s0]\n\t"                               \
    "smlad %[a2], %[p], %[wa], %[a0]\n\t"                              \
    "smlad %[s3], %[q], %[w], %[s0]\n\t"                               \
    "smlad %[a3], %[q], %[wa], %[a0]\n\t"                              \
    "ldrd %[p], %[q], [%[x]], #16\n\t"                                 \
    "smlad %[s1], %[q], %[w], %[s0]\n\t"                               \
    "smlad %[a1], %[q], %[wa], %[a0]\n\t"                              \
    "smlad %[s0], %[p], %[w], %[s0]\n\t"                               \
    "smlad %[a0], %[p], %[wa], %[a0]\n\t"

/* Two steps, then four at a time, of the first four only two where two would remain. */
#define SUMS                                                           \
    "0:\n\t"                                                           \
    "ldrd %[s0], %[a0], [%[k]], #8\n\t"                                \
    "ldr %[x], %[start]\n\t" FIRST STEP                                \
    "ldr %[w], %[end]\n\t"                                             \
    "subs %[w], %[w], %[x]\n\t"                                        \
    "beq 3f\n\t"                                                       \
    "tst %[w], #32\n\t"                                                \
    "bne 2f\n"                                                         \
    "1:\n\t" STEP STEP                                                 \
    "2:\n\t" STEP STEP                                                 \
    "ldr %[w], %[end]\n\t"                                             \
    "cmp %[x], %[w]\n\t"                                               \
    "bne 1b\n"                                                         \
    "3:\n\t"                                                           \
    "sub %[s0], %[s0], %[a0]\n\t"                                      \
    "sub %[s1], %[s1], %[a1]\n\t"                                      \
    "sub %[s2], %[s2], %[a2]\n\t"                                      \
    "sub %[s3], %[s3], %[a3]\n\t"
#define SHIFT_LEFT(bits)                                               \
    "lsl %[a0], %[a0], #" bits "\n\t"                                  \
    "lsl %[a1], %[a1], #" bits "\n\t"                                  \
    "lsl %[a2], %[a2], #" bits "\n\t"                                  \
    "lsl %[a3], %[a3], #" bits "\n\t"
/* Of each pixel d, twice its sum, becomes int8: edgeq_finish_s8. */
#define FINISHED(d)                                                    \
    "add %[x], %[q], %[" d "], asr #31\n\t"                            \
    "smmlar %[" d "], %[" d "], %[p], %[x]\n\t"                        \
    "asr %[" d "], %[" d "], %[w]\n\t"                                 \
    "ssat %[" d "], #8, %[" d "]\n\t"
#define FOUR_FINISHED(d0, d1, d2, d3)                                  \
    "ldrd %[p], %[q], [%[k]], #8\n\t"                                  \
    "ldr %[w], [%[k]], #4\n\t" FINISHED(d0) FINISHED(d1) FINISHED(d2) FINISHED(d3)
#define RESULTS                                                        \
    SHIFT_LEFT("1") FOUR_FINISHED("a0", "a1", "a2", "a3")              \
    "asr %[s0], %[s0], #7\n\t"                                         \
    "asr %[s1], %[s1], #7\n\t"                                         \
    "asr %[s2], %[s2], #7\n\t"                                         \
    "asr %[s3], %[s3], #7\n\t" FOUR_FINISHED("s0", "s1", "s2", "s3")
/* The same of 256 times its sum: edgeq_finish_at_once_s8. The difference of sums is that already. */
#define FINISHED_AT_ONCE(d)                                            \
    "smmla %[" d "], %[" d "], %[p], %[q]\n\t"                         \
    "ssat %[" d "], #8, %[" d "], asr " EDGEQ_ONE_SHIFT_TEXT "\n\t"
#define FOUR_FINISHED_AT_ONCE(d0, d1, d2, d3)                          \
    "ldrd %[p], %[q], [%[k]], #8\n\t" FINISHED_AT_ONCE(d0) FINISHED_AT_ONCE(d1) FINISHED_AT_ONCE(d2) FINISHED_AT_ONCE(d3)
#define RESULTS_AT_ONCE                                                \
    SHIFT_LEFT("8") FOUR_FINISHED_AT_ONCE("a0", "a1", "a2", "a3") FOUR_FINISHED_AT_ONCE("s0", "s1", "s2", "s3")
/* Both channels of each pixel together. */
#define STORE                                                          \
    "ldr %[x], %[y]\n\t"                                               \
    "ldr %[wa], %[step]\n\t"                                           \
    "bfi %[a0], %[s0], #8, #8\n\t"                                     \
    "bfi %[a1], %[s1], #8, #8\n\t"                                     \
    "bfi %[a2], %[s2], #8, #8\n\t"                                     \
    "bfi %[a3], %[s3], #8, #8\n\t"                                     \
    "ldr %[w], %[k_end]\n\t"                                           \
    "strh %[a1], [%[x], %[wa]]\n\t"                                    \
    "strh %[a2], [%[x], %[wa], lsl #1]\n\t"                            \
    "add %[a1], %[x], %[wa]\n\t"                                       \
    "strh %[a3], [%[a1], %[wa], lsl #1]\n\t"                           \
    "strh %[a0], [%[x]], #2\n\t"                                       \
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

    if (EDGEQ_HAS_SHORT_CUTS && v->has_one_shift) {
        __asm__ volatile(SUMS RESULTS_AT_ONCE STORE OPERANDS);
    } else {
        __asm__ volatile(SUMS RESULTS STORE OPERANDS);
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
            int32_t b;

            for (step = 0; step < v->steps; ++step) {
                const uint32_t w = (uint32_t)k[2 + step];
                both = edgeq_mac_both_wrapping(x[PIXELS * step + pixel], w, both);
                a = edgeq_mac_both_wrapping(x[PIXELS * step + pixel], edgeq_even_bytes(w), a);
            }
            b = (int32_t)(both - a);
            if (v->has_one_shift) {
                to[0] = (int8_t)edgeq_finish_at_once_s8((int32_t)(256u * a), edgeq_next_pair(&quant));
                to[1] = (int8_t)edgeq_finish_at_once_s8(b, edgeq_next_pair(&quant));
            } else {
                to[0] = (int8_t)edgeq_finish_s8((int32_t)(2u * a), edgeq_next_quant(&quant));
                to[1] = (int8_t)edgeq_finish_s8(b >> 7, edgeq_next_quant(&quant));
            }
        }
        k += v->steps + RECORD(v);
    }
}
#endif

/* All channels: with an odd number the last record computes one again. */
static void convolve_all(const edgeq_widened *v, const uint32_t *x, const int32_t *packed, int8_t *y)
{
    const int32_t record = v->steps + RECORD(v);
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
                                              bool one_shift,
                                              bool backwards,
                                              const cmsis_nn_dims *output_dims,
                                              int8_t *output_data)
{
    if (one_shift && !EDGEQ_HAS_SHORT_CUTS) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    return edgeq_convolve_by_four(ctx, conv_params, input_dims, input_data, filter_dims, packed, one_shift, backwards,
                                  output_dims, output_data, convolve_all);
}
