/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution with int4 weights for cores with the DSP extension: two output pixels by four channels at a time.
 *
 * Windows of four pixels are widened as for edgeq_convolve_4x2_dsp_s8.c. A word of weights holds a step, two inputs of
 * four channels a, b, c and d, and three sums of a pixel give those of four channels. The lanes, d lying highest in them,
 * are 4096 d + 256 c + 16 b + a, where a and c have 8 added; masked, they are
 *   256 c + a    the lowest byte of its sum is that of a's;
 *   4096 d       the only field of its sum;
 *   4096 b + 256 a + c    after REV16: its sum tells twelve bits of what lies above that byte.
 * A step of two pixels, 16 MACs, costs 11.5 instructions: half an LDRD of weights, one of inputs, two AND, REV16 and BIC,
 * six SMLAD. What 8 times the inputs' sum adds is taken off at the start. Sums wrap on the way.
 */
#include "edgeq_int4_dsp.h"
#include "edgeq_kernels_s4.h"
#include "edgeq_widened.h"

#define PIXELS EDGEQ_WIDENED
/* Pixels that are computed together. */
#define TOGETHER 2
#define ONES 0x00010001u
/* What 8 inputs of 1 add to sums of 256 c + a. */
#define CODES (8u * 257u)

/* Of a pixel the sums of 256 c + a, of 4096 b + 256 a + c and of 4096 d. */
typedef struct {
    uint32_t ca, bac, d;
} sums;

typedef struct {
    sums of[TOGETHER];
} both_sums;

/* Adds the products of an even number of steps above 0 that end at `end`, and moves *k past their weights. */
#if defined(__ARM_FEATURE_DSP)
/* By hand: it takes all fourteen registers. */
#define BOTH(sum, w)                                        \
    "smlad %[" sum "0], %[p], %[" w "], %[" sum "0]\n\t"    \
    "smlad %[" sum "1], %[q], %[" w "], %[" sum "1]\n\t"
#define STEP(w)                                             \
    "ldrd %[p], %[q], [%[x]], #16\n\t"                      \
    "and %[z], %[" w "], #0x0f0f0f0f\n\t" BOTH("ca", "z")   \
    "and %[z], %[" w "], #0xf000f000\n\t" BOTH("d", "z")    \
    "rev16 %[z], %[" w "]\n\t"                              \
    "bic %[z], %[z], #0x00f000f0\n\t" BOTH("bac", "z")
#define TWO_STEPS "ldrd %[w], %[v], [%[k]], #8\n\t" STEP("w") STEP("v")
/* The inputs of a step of four pixels. */
#define SUMMED                                              \
    "ldrd %[p], %[q], [%[x]], #8\n\t"                       \
    "smlad %[s0], %[p], %[ones], %[s0]\n\t"                 \
    "smlad %[s1], %[q], %[ones], %[s1]\n\t"                 \
    "ldrd %[p], %[q], [%[x]], #8\n\t"                       \
    "smlad %[s2], %[p], %[ones], %[s2]\n\t"                 \
    "smlad %[s3], %[q], %[ones], %[s3]\n\t"

static inline both_sums add_steps(both_sums s, const uint32_t *x, const uint32_t *end, const int32_t **k)
{
    const int32_t *at = *k;
    uint32_t p, q, w, v, z;

    /* Four at a time, of the first four only two where two would remain. */
    __asm__("sub %[w], %[end], %[x]\n\t"
            "tst %[w], #32\n\t"
            "bne 2f\n"
            "1:\n\t" TWO_STEPS
            "2:\n\t" TWO_STEPS
            "cmp %[x], %[end]\n\t"
            "bne 1b"
            : [ca0] "+r"(s.of[0].ca), [ca1] "+r"(s.of[1].ca), [bac0] "+r"(s.of[0].bac), [bac1] "+r"(s.of[1].bac),
              [d0] "+r"(s.of[0].d), [d1] "+r"(s.of[1].d), [x] "+r"(x), [k] "+r"(at), [p] "=&r"(p), [q] "=&r"(q),
              [w] "=&r"(w), [v] "=&r"(v), [z] "=&r"(z)
            : [end] "r"(end)
            : "cc", "memory");
    *k = at;
    return s;
}
#else
static inline uint32_t bytes_swapped(uint32_t w)
{
    return (w & 0x00ff00ffu) << 8 | (w >> 8 & 0x00ff00ffu);
}

static inline both_sums add_steps(both_sums s, const uint32_t *x, const uint32_t *end, const int32_t **k)
{
    int32_t pixel;

    for (; x != end; x += PIXELS, ++*k) {
        const uint32_t w = (uint32_t)**k;
        for (pixel = 0; pixel < TOGETHER; ++pixel) {
            sums *const of = &s.of[pixel];
            of->ca = edgeq_mac_both_wrapping(x[pixel], w & 0x0f0f0f0fu, of->ca);
            of->d = edgeq_mac_both_wrapping(x[pixel], w & 0xf000f000u, of->d);
            of->bac = edgeq_mac_both_wrapping(x[pixel], bytes_swapped(w) & ~0x00f000f0u, of->bac);
        }
    }
    return s;
}
#endif

/* The lowest `bits` bits of x as a signed number. */
static inline uint32_t lowest(uint32_t x, uint32_t bits)
{
    return (uint32_t)(edgeq_wrap_s32(x << (32u - bits)) >> (32u - bits));
}

/* The sums of four channels. Where that of a is 256 u + a byte, that of c plus u is known from the first sum. */
static inline edgeq_four_sums parted(sums s)
{
    const uint32_t byte = lowest(s.ca, 8);
    const uint32_t c_and_u = (uint32_t)(edgeq_wrap_s32(s.ca - byte) >> 8);
    const uint32_t u = lowest(c_and_u + 256u * byte - s.bac, 12);
    const uint32_t a = byte + 256u * u;
    const uint32_t c = c_and_u - u;
    const edgeq_four_sums all = {{edgeq_wrap_s32(a << 12), edgeq_wrap_s32(s.bac - c - 256u * a), edgeq_wrap_s32(c << 12),
                                  edgeq_wrap_s32(s.d)}};
    return all;
}

/* What sums of 256 c + a and of 256 a + c begin with, of each pixel. */
static inline void begin_with(const uint32_t *x, const uint32_t *end, uint32_t begin[PIXELS])
{
    uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;

#if defined(__ARM_FEATURE_DSP)
    uint32_t p, q;
    /* Two steps at a time: there are no others. */
    __asm__("1:\n\t" SUMMED SUMMED
            "cmp %[x], %[end]\n\t"
            "bne 1b"
            : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [x] "+r"(x), [p] "=&r"(p), [q] "=&r"(q)
            : [end] "r"(end), [ones] "r"(ONES)
            : "cc", "memory");
#else
    for (; x != end; x += PIXELS) {
        s0 = edgeq_mac_both_wrapping(x[0], ONES, s0);
        s1 = edgeq_mac_both_wrapping(x[1], ONES, s1);
        s2 = edgeq_mac_both_wrapping(x[2], ONES, s2);
        s3 = edgeq_mac_both_wrapping(x[3], ONES, s3);
    }
#endif
    begin[0] = 0u - CODES * s0;
    begin[1] = 0u - CODES * s1;
    begin[2] = 0u - CODES * s2;
    begin[3] = 0u - CODES * s3;
}

/*
 * The channels of four pixels, whose widened windows are at x; k is the table from its first record on. Where it is four
 * times the same pixel, two of them will do.
 */
static inline __attribute__((always_inline)) void all_pixels(const edgeq_widened *v, bool is_short, const uint32_t *x,
                                                             const int32_t *k, const uint32_t *begin, int8_t *y)
{
    const uint32_t *const end = x + PIXELS * v->steps;
    int32_t pixel;

    for (pixel = 0; pixel < PIXELS && (pixel == 0 || v->y_step != 0); pixel += TOGETHER) {
        const int32_t *at = k;
        int32_t c = 0;

        for (;;) {
            both_sums s = {{{begin[pixel], begin[pixel], 0}, {begin[pixel + 1], begin[pixel + 1], 0}}};
            edgeq_four_sums of[TOGETHER];

            s = add_steps(s, x + pixel, end + pixel, &at);
            of[0] = parted(s.of[0]);
            of[1] = parted(s.of[1]);
            at = edgeq_finish_four_int4(is_short, at, of, TOGETHER, y + pixel * v->y_step + c, v->y_step);
            if (c == v->channels - EDGEQ_FOUR) {
                break;
            }
            /* The last record is of the last four channels: it may compute some again. */
            c = v->channels - c < 2 * EDGEQ_FOUR ? v->channels - EDGEQ_FOUR : c + EDGEQ_FOUR;
        }
    }
}

#if defined(__ARM_FEATURE_DSP)
/* The first step: d's sums begin with nothing, the others with the same words. */
#define FIRST_STEP(w)                                                  \
    "ldrd %[p], %[q], [%[x]], #16\n\t"                                 \
    "rev16 %[z], %[" w "]\n\t"                                         \
    "bic %[z], %[z], #0x00f000f0\n\t"                                  \
    "smlad %[bac0], %[p], %[z], %[ca0]\n\t"                            \
    "smlad %[bac1], %[q], %[z], %[ca1]\n\t"                            \
    "and %[z], %[" w "], #0x0f0f0f0f\n\t" BOTH("ca", "z")              \
    "and %[z], %[" w "], #0xf000f000\n\t"                              \
    "smuad %[d0], %[p], %[z]\n\t"                                      \
    "smuad %[d1], %[q], %[z]\n\t"
/* parted of both pixels at once: a in w and v, c in place of the first sums, b in that of the second. */
#define PARTED                                                         \
    "sxtb %[w], %[ca0]\n\t"                                            \
    "sxtb %[v], %[ca1]\n\t"                                            \
    "sub %[ca0], %[ca0], %[w]\n\t"                                     \
    "sub %[ca1], %[ca1], %[v]\n\t"                                     \
    "rsb %[p], %[bac0], %[w], lsl #8\n\t"                              \
    "rsb %[q], %[bac1], %[v], lsl #8\n\t"                              \
    "add %[p], %[p], %[ca0], asr #8\n\t"                               \
    "add %[q], %[q], %[ca1], asr #8\n\t"                               \
    "sbfx %[p], %[p], #0, #12\n\t"                                     \
    "sbfx %[q], %[q], #0, #12\n\t"                                     \
    "add %[w], %[w], %[p], lsl #8\n\t"                                 \
    "add %[v], %[v], %[q], lsl #8\n\t"                                 \
    "rsb %[ca0], %[p], %[ca0], asr #8\n\t"                             \
    "rsb %[ca1], %[q], %[ca1], asr #8\n\t"                             \
    "sub %[bac0], %[bac0], %[ca0]\n\t"                                 \
    "sub %[bac1], %[bac1], %[ca1]\n\t"                                 \
    "sub %[bac0], %[bac0], %[w], lsl #8\n\t"                           \
    "sub %[bac1], %[bac1], %[v], lsl #8\n\t"
#define SHIFTED(s0, s1)                                                \
    "lsl %[" s0 "], %[" s0 "], #12\n\t"                                \
    "lsl %[" s1 "], %[" s1 "], #12\n\t"
/* edgeq_finish_two_words_s8 of one channel. */
#define FINISHED(s0, s1)                                               \
    "ldrd %[p], %[q], [%[k]], #8\n\t"                                  \
    "smmlar %[" s0 "], %[" s0 "], %[p], %[q]\n\t"                      \
    "smmlar %[" s1 "], %[" s1 "], %[p], %[q]\n\t"                      \
    "ssat %[" s0 "], #8, %[" s0 "], asr #12\n\t"                       \
    "ssat %[" s1 "], #8, %[" s1 "], asr #12\n\t"
/* Four results of each pixel together, and on to the next record. */
#define STORED                                                         \
    "bfi %[w], %[bac0], #8, #8\n\t"                                    \
    "bfi %[v], %[bac1], #8, #8\n\t"                                    \
    "bfi %[w], %[ca0], #16, #8\n\t"                                    \
    "bfi %[v], %[ca1], #16, #8\n\t"                                    \
    "bfi %[w], %[d0], #24, #8\n\t"                                     \
    "bfi %[v], %[d1], #24, #8\n\t"                                     \
    "ldr %[p], %[y]\n\t"                                               \
    "ldr %[q], %[step]\n\t"                                            \
    "ldr %[z], %[stop]\n\t"                                            \
    "str %[v], [%[p], %[q]]\n\t"                                       \
    "str %[w], [%[p]], #4\n\t"                                         \
    "str %[p], %[y]\n\t"                                               \
    "cmp %[k], %[z]\n\t"                                               \
    "bne 0b"

/* All channels of four pixels by two words. */
static EDGEQ_NOINLINE void by_two_words(const edgeq_widened *v, const uint32_t *x, const int32_t *k, const uint32_t *begin,
                                        int8_t *y)
{
    const uint32_t *const behind = x + PIXELS * v->steps;
    const int32_t record = v->steps + 2 * EDGEQ_FOUR;
    const int32_t *const whole = k + v->channels / EDGEQ_FOUR * record;
    const int32_t *const k_end = k + (v->channels + EDGEQ_FOUR - 1) / EDGEQ_FOUR * record;
    const int32_t step = v->y_step;
    int32_t pixel;

    for (pixel = 0; pixel < PIXELS && (pixel == 0 || step != 0); pixel += TOGETHER) {
        const uint32_t *const start = x + pixel;
        const uint32_t *const last = behind + pixel;
        const edgeq_word_pair from = {begin[pixel], begin[pixel + 1]};
        const int32_t *stop = whole;
        int8_t *to = y + pixel * step;
        const uint32_t *at, *end;
        const int32_t *table = k;
        uint32_t ca0, ca1, bac0, bac1, d0, d1, p, q, w, second, z;

        for (;;) {
            __asm__ volatile("0:\n\t"
                    "ldrd %[w], %[v], [%[k]], #8\n\t"
                    "ldrd %[ca0], %[ca1], %[from]\n\t"
                    "ldr %[x], %[start]\n\t"
                    "ldr %[end], %[last]\n\t" FIRST_STEP("w") STEP("v")
                    "subs %[w], %[end], %[x]\n\t"
                    "beq 3f\n\t"
                    "tst %[w], #32\n\t"
                    "bne 2f\n"
                    "1:\n\t" TWO_STEPS
                    "2:\n\t" TWO_STEPS
                    "cmp %[x], %[end]\n\t"
                    "bne 1b\n"
                    "3:\n\t" PARTED SHIFTED("w", "v") FINISHED("w", "v") FINISHED("bac0", "bac1") SHIFTED("ca0", "ca1")
                    FINISHED("ca0", "ca1") FINISHED("d0", "d1") STORED
                    : [ca0] "=&r"(ca0), [ca1] "=&r"(ca1), [bac0] "=&r"(bac0), [bac1] "=&r"(bac1), [d0] "=&r"(d0),
                      [d1] "=&r"(d1), [x] "=&r"(at), [k] "+r"(table), [p] "=&r"(p), [q] "=&r"(q), [w] "=&r"(w),
                      [v] "=&r"(second), [z] "=&r"(z), [end] "=&r"(end), [y] "+m"(to)
                    : [start] "m"(start), [last] "m"(last), [from] "m"(from), [step] "m"(step), [stop] "m"(stop)
                    : "cc", "memory");
            if (table == k_end) {
                break;
            }
            /* The last record is of the last four channels: it computes some again. */
            to = y + pixel * step + v->channels - EDGEQ_FOUR;
            stop = k_end;
        }
    }
}
#else
static void by_two_words(const edgeq_widened *v, const uint32_t *x, const int32_t *k, const uint32_t *begin, int8_t *y)
{
    all_pixels(v, true, x, k, begin, y);
}
#endif

static EDGEQ_NOINLINE void by_three_words(const edgeq_widened *v, const uint32_t *x, const int32_t *k,
                                          const uint32_t *begin, int8_t *y)
{
    all_pixels(v, false, x, k, begin, y);
}

static EDGEQ_NOINLINE void convolve_four(const edgeq_widened *v, const uint32_t *x, const int32_t *packed, int8_t *y)
{
    uint32_t begin[PIXELS];
    int32_t pixel, c;

    begin_with(x, x + PIXELS * v->steps, begin);
    if (packed[0] != 0) {
        by_two_words(v, x, packed + 1, begin, y);
    } else {
        by_three_words(v, x, packed + 1, begin, y);
    }
    if (v->is_limited) {
        for (pixel = 0; pixel < PIXELS; ++pixel, y += v->y_step) {
            for (c = 0; c < v->channels; ++c) {
                y[c] = (int8_t)edgeq_clamp(y[c], v->low, v->high);
            }
        }
    }
}

arm_cmsis_nn_status edgeq_convolve_dsp_s4(const cmsis_nn_context *ctx,
                                          const cmsis_nn_conv_params *conv_params,
                                          const cmsis_nn_dims *input_dims,
                                          const int8_t *input_data,
                                          const cmsis_nn_dims *filter_dims,
                                          const int32_t *packed,
                                          bool backwards,
                                          const cmsis_nn_dims *output_dims,
                                          int8_t *output_data)
{
    if (output_dims->c < EDGEQ_FOUR) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    return edgeq_convolve_by_four(ctx, conv_params, input_dims, input_data, filter_dims, packed, false, backwards,
                                  output_dims, output_data, convolve_four);
}
