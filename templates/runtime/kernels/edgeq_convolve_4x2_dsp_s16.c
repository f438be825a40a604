/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of int16 images for cores with the DSP extension: four output pixels by two channels at a time.
 *
 * As edgeq_convolve_4x2_dsp_s8.c, the windows of four pixels side by side, but there is nothing to widen: a word is two
 * inputs as it is. Two inputs of four pixels and two channels, 16 MACs, cost 13 instructions (0.81 per MAC): one LDR of
 * four weights, two SXTB16 that make operands of them, one for each channel, two LDRD of inputs, eight SMLAD. Sums of 32
 * bits suffice, which has been proven when the table was made. The results of two channels are stored together.
 */
#include "edgeq_finish_s16.h"
#include "edgeq_kernels_dsp.h"
#include "edgeq_widened.h"

#define PIXELS EDGEQ_WIDENED
/* Words of a record but for the weights: two of bias, one or four of requantization for each channel. */
#define RECORD(v) ((v)->has_one_shift ? 4 : 10)

/* Words of a run of four windows, `step` bytes apart; returns where the next words belong. */
static inline uint32_t *lay_words_of_four(const int8_t *p, int32_t step, int32_t words, uint32_t *to)
{
    const int8_t *q = p + step;
    const int8_t *r = q + step;
    const int8_t *s = r + step;

    for (; words > 0; --words, p += 4, q += 4, r += 4, s += 4) {
        to = edgeq_put_pair(to, edgeq_load_s8x4(p), edgeq_load_s8x4(q));
        to = edgeq_put_pair(to, edgeq_load_s8x4(r), edgeq_load_s8x4(s));
    }
    return to;
}

/* The same of one window. */
static inline uint32_t *lay_words(const int8_t *p, int32_t words, uint32_t *to)
{
    for (; words >= 4; words -= 4, p += 16, to += 4 * PIXELS) {
        to[0] = edgeq_load_s8x4(p);
        to[PIXELS] = edgeq_load_s8x4(p + 4);
        to[2 * PIXELS] = edgeq_load_s8x4(p + 8);
        to[3 * PIXELS] = edgeq_load_s8x4(p + 12);
    }
    for (; words > 0; --words, p += 4, to += PIXELS) {
        to[0] = edgeq_load_s8x4(p);
    }
    return to;
}

/*
 * Lays out one window or four. Of each run whole words, two inputs, then, of all runs, the inputs that remain, two by two.
 */
static EDGEQ_NOINLINE void lay_windows(const edgeq_widened *v, const int8_t *x, int32_t pitch, int32_t step,
                                       int32_t windows, uint32_t *to)
{
    const int32_t words = v->bytes >> 2;
    uint32_t *to_rest = to + PIXELS * words * v->runs;
    int32_t run, i;

    for (run = 0; run < v->runs; ++run, x += pitch) {
        to = windows == PIXELS ? lay_words_of_four(x, step, words, to) : lay_words(x, words, to);
        if ((v->bytes & 2) != 0) {
            const int8_t *p = x + 4 * words;
            for (i = 0; i < windows; ++i, p += step) {
                int16_t last;
                memcpy(&last, p, sizeof(last));
                /* The first of two sets the word, its high lane to 0. */
                to_rest[i] = (run & 1) == 0 ? (uint32_t)last & 0xffffu : edgeq_low_lanes(to_rest[i], (uint32_t)last);
            }
            to_rest += (run & 1) == 0 ? 0 : PIXELS;
        }
    }
}

static inline void lay_pixels(const edgeq_widened *v, const int8_t *x, int32_t step, uint32_t *to)
{
    lay_windows(v, x, 0, step, PIXELS, to);
}

static EDGEQ_NOINLINE bool lay_next(const edgeq_widened *v, edgeq_cursor *c, int32_t count, int32_t pitch, int32_t size,
                                    uint32_t *to)
{
    return edgeq_lay_one_by_one(v, c, count, pitch, size, to, lay_windows);
}

/* Whether saturation to 15 bits without a sign does what the activation has to. */
static inline bool is_relu(const edgeq_widened *v)
{
    return EDGEQ_HAS_SHORT_CUTS && v->has_one_shift && v->low == 0 && v->high == 32767;
}

#if defined(__ARM_FEATURE_DSP)
/* By hand: it takes all fourteen registers. Of pixels i and j. */
#define PAIR(i, j)                                                     \
    "ldrd %[p], %[q], [%[x]], #8\n\t"                                  \
    "smlad %[a" i "], %[p], %[wa], %[a" i "]\n\t"                      \
    "smlad %[b" i "], %[p], %[w], %[b" i "]\n\t"                       \
    "smlad %[a" j "], %[q], %[wa], %[a" j "]\n\t"                      \
    "smlad %[b" j "], %[q], %[w], %[b" j "]\n\t"
#define WEIGHTS                                                        \
    "ldr %[w], [%[k]], #4\n\t"                                         \
    "sxtb16 %[wa], %[w]\n\t"                                           \
    "sxtb16 %[w], %[w], ror #8\n\t"
#define STEP WEIGHTS PAIR("0", "1") PAIR("2", "3")

/* The first step of all: four sums begin with the same words. */
#define FIRST WEIGHTS                                                  \
    "ldrd %[p], %[q], [%[x], #8]\n\t"                                  \
    "smlad %[a2], %[p], %[wa], %[a0]\n\t"                              \
    "smlad %[b2], %[p], %[w], %[b0]\n\t"                               \
    "smlad %[a3], %[q], %[wa], %[a0]\n\t"                              \
    "smlad %[b3], %[q], %[w], %[b0]\n\t"                               \
    "ldrd %[p], %[q], [%[x]], #16\n\t"                                 \
    "smlad %[a1], %[q], %[wa], %[a0]\n\t"                              \
    "smlad %[b1], %[q], %[w], %[b0]\n\t"                               \
    "smlad %[a0], %[p], %[wa], %[a0]\n\t"                              \
    "smlad %[b0], %[p], %[w], %[b0]\n\t"

/* Two steps, then four at a time, of the first four only two where two would remain. */
#define SUMS                                                           \
    "0:\n\t"                                                           \
    "ldrd %[a0], %[b0], [%[k]], #8\n\t"                                \
    "ldr %[x], %[start]\n\t" FIRST STEP                                \
    "ldr %[p], %[end]\n\t"                                             \
    "subs %[p], %[p], %[x]\n\t"                                        \
    "beq 3f\n\t"                                                       \
    "tst %[p], #32\n\t"                                                \
    "bne 2f\n"                                                         \
    "1:\n\t" STEP STEP                                                 \
    "2:\n\t" STEP STEP                                                 \
    "ldr %[p], %[end]\n\t"                                             \
    "cmp %[x], %[p]\n\t"                                               \
    "bne 1b\n"                                                         \
    "3:\n\t"
#define FOUR(one, c) one(c "0") one(c "1") one(c "2") one(c "3")
/* edgeq_finish_at_once_s16; with a ReLU, which saturates to 15 bits without a sign. */
#define AT_ONCE(d, m)                                                  \
    "smmulr %[" d "], %[" d "], %[" m "]\n\t"                          \
    "ssat %[" d "], #16, %[" d "]\n\t"
#define A_AT_ONCE(d) AT_ONCE(d, "p")
#define B_AT_ONCE(d) AT_ONCE(d, "q")
#define RESULTS_AT_ONCE "ldrd %[p], %[q], [%[k]], #8\n\t" FOUR(A_AT_ONCE, "a") FOUR(B_AT_ONCE, "b")
#define ABOVE_0(d, m)                                                  \
    "smmulr %[" d "], %[" d "], %[" m "]\n\t"                          \
    "usat %[" d "], #15, %[" d "]\n\t"
#define A_ABOVE_0(d) ABOVE_0(d, "p")
#define B_ABOVE_0(d) ABOVE_0(d, "q")
#define RESULTS_ABOVE_0 "ldrd %[p], %[q], [%[k]], #8\n\t" FOUR(A_ABOVE_0, "a") FOUR(B_ABOVE_0, "b")
/* edgeq_finish_s16 */
#define FINISHED(d)                                                    \
    "lsl %[" d "], %[" d "], %[wa]\n\t"                                \
    "smmla %[" d "], %[" d "], %[p], %[q]\n\t"                         \
    "asr %[" d "], %[" d "], %[w]\n\t"                                 \
    "ssat %[" d "], #16, %[" d "]\n\t"
#define QUANT                                                          \
    "ldrd %[p], %[q], [%[k]], #8\n\t"                                  \
    "ldrd %[w], %[wa], [%[k]], #8\n\t"
#define RESULTS QUANT FOUR(FINISHED, "a") QUANT FOUR(FINISHED, "b")
/* Both channels of each pixel together. */
#define STORE                                                          \
    "ldr %[x], %[y]\n\t"                                               \
    "ldr %[wa], %[step]\n\t"                                           \
    "pkhbt %[a0], %[a0], %[b0], lsl #16\n\t"                           \
    "pkhbt %[a1], %[a1], %[b1], lsl #16\n\t"                           \
    "pkhbt %[a2], %[a2], %[b2], lsl #16\n\t"                           \
    "pkhbt %[a3], %[a3], %[b3], lsl #16\n\t"                           \
    "ldr %[w], %[k_end]\n\t"                                           \
    "str %[a1], [%[x], %[wa]]\n\t"                                     \
    "str %[a2], [%[x], %[wa], lsl #1]\n\t"                             \
    "add %[a1], %[x], %[wa]\n\t"                                       \
    "str %[a3], [%[a1], %[wa], lsl #1]\n\t"                            \
    "str %[a0], [%[x]], #4\n\t"                                        \
    "str %[x], %[y]\n\t"                                               \
    "cmp %[k], %[w]\n\t"                                               \
    "bne 0b"
#define OPERANDS                                                                                                       \
    : [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2), [a3] "=&r"(a3), [b0] "=&r"(b0), [b1] "=&r"(b1), [b2] "=&r"(b2),  \
      [b3] "=&r"(b3), [x] "=&r"(x), [k] "+r"(k), [w] "=&r"(w), [wa] "=&r"(wa), [p] "=&r"(p), [q] "=&r"(q), [y] "+m"(y) \
    : [start] "m"(start), [end] "m"(end), [step] "m"(y_step), [k_end] "m"(k_end)                                       \
    : "cc", "memory"

/*
 * The channels of four pixels, two at a time, whose windows are at x; k is the table, one record per two channels, up to
 * k_end. Limits narrower than int16 are for the caller, but for those of a ReLU.
 */
static EDGEQ_NOINLINE void convolve_four(const edgeq_widened *v, const uint32_t *x, const int32_t *k, const int32_t *k_end,
                                         int16_t *y)
{
    const uint32_t *const start = x;
    const uint32_t *const end = x + PIXELS * v->steps;
    const int32_t y_step = v->y_step;
    uint32_t a0, a1, a2, a3, b0, b1, b2, b3, w, wa, p, q;

    if (is_relu(v)) {
        __asm__ volatile(SUMS RESULTS_ABOVE_0 STORE OPERANDS);
    } else if (EDGEQ_HAS_SHORT_CUTS && v->has_one_shift) {
        __asm__ volatile(SUMS RESULTS_AT_ONCE STORE OPERANDS);
    } else {
        __asm__ volatile(SUMS RESULTS STORE OPERANDS);
    }
}
#else
/* The same in C. */
static void convolve_four(const edgeq_widened *v, const uint32_t *x, const int32_t *k, const int32_t *k_end, int16_t *y)
{
    const int32_t low = is_relu(v) ? 0 : -32768;

    for (; k != k_end; y += 2) {
        const int32_t *const quants = k + 2 + v->steps;
        int32_t pixel, step, c;

        for (pixel = 0; pixel < PIXELS; ++pixel) {
            int16_t *const to = y + pixel * (v->y_step / 2);
            const int32_t *quant = quants;
            uint32_t sums[2] = {(uint32_t)k[0], (uint32_t)k[1]};

            for (step = 0; step < v->steps; ++step) {
                const uint32_t w = (uint32_t)k[2 + step];
                const uint32_t inputs = x[PIXELS * step + pixel];
                sums[0] = edgeq_mac_both_wrapping(inputs, edgeq_even_bytes(w), sums[0]);
                sums[1] = edgeq_mac_both_wrapping(inputs, edgeq_odd_bytes(w), sums[1]);
            }
            for (c = 0; c < 2; ++c) {
                const int32_t sum = edgeq_wrap_s32(sums[c]);
                const int32_t result = v->has_one_shift ? edgeq_finish_at_once_s16(sum, *quant++)
                                                        : edgeq_finish_s16(sum, edgeq_next_wide_quant(&quant));
                to[c] = (int16_t)edgeq_clamp(result, low, 32767);
            }
        }
        k += v->steps + RECORD(v);
    }
}
#endif

/* All channels: with an odd number the last record computes one again. */
static void convolve_all(const edgeq_widened *v, const uint32_t *x, const int32_t *packed, int8_t *results)
{
    const int32_t record = v->steps + RECORD(v);
    const int32_t *const last = packed + v->channels / 2 * record;
    int16_t *y = (int16_t *)(void *)results;

    convolve_four(v, x, packed, last, y);
    if ((v->channels & 1) != 0) {
        convolve_four(v, x, last, last + record, y + v->channels - 2);
    }
    if (v->is_limited && !is_relu(v)) {
        int32_t pixel, c;
        for (pixel = 0; pixel < PIXELS; ++pixel, y += v->y_step / 2) {
            for (c = 0; c < v->channels; ++c) {
                y[c] = (int16_t)edgeq_clamp(y[c], v->low, v->high);
            }
        }
    }
}

arm_cmsis_nn_status edgeq_convolve_4x2_dsp_s16(const cmsis_nn_context *ctx,
                                               const cmsis_nn_conv_params *conv_params,
                                               const cmsis_nn_dims *input_dims,
                                               const int16_t *input_data,
                                               const cmsis_nn_dims *filter_dims,
                                               const int32_t *packed,
                                               bool one_shift,
                                               bool backwards,
                                               const cmsis_nn_dims *output_dims,
                                               int16_t *output_data)
{
    if (one_shift && !EDGEQ_HAS_SHORT_CUTS) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    return edgeq_convolve_laid_out(ctx, conv_params, input_dims, (const int8_t *)input_data, filter_dims, packed, one_shift,
                                   backwards, output_dims, (int8_t *)output_data, (int32_t)sizeof(int16_t), lay_windows,
                                   lay_pixels, lay_next, convolve_all);
}
