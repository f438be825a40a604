/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution with ternary weights for cores with the DSP extension: four output pixels by two channels at a time.
 *
 * Windows are widened as for edgeq_convolve_4x2_dsp_s8.c. A word of weights holds four steps, a step two inputs of two
 * channels a and b: turned to the right by four bits for each step that came before, and masked, a lane holds a + 1 in
 * its lowest and b in its highest two bits; less 1, it is 2^14 b + a. So one SMLAD counts for four MACs, and a step of
 * 16 MACs costs 8 instructions: AND, SSUB16, two LDRD, four SMLAD. The sum of b x lies 14 bits above that of a x, which
 * is taken down whenever it might outgrow them.
 */
#include "edgeq_kernels_narrow.h"
#include "edgeq_widened.h"

#define PIXELS EDGEQ_WIDENED
/* Steps after which the sum of a x, of 256 at most each, could leave 14 bits: a multiple of four. */
#define CHUNK 28
/* Steps after which the sum of b x, as large, could leave the 18 bits above. */
#define SEGMENT (18 * CHUNK)
#define FIELDS 0xc003c003u
#define ONES 0x00010001u

/* Of each pixel 2^14 times the sum of b x plus that of a x. */
typedef struct {
    uint32_t of[PIXELS];
} joint;

#if defined(__ARM_FEATURE_DSP)
#define PIXEL_PAIR(s0, s1)                                       \
    "ldrd %[p], %[q], [%[x]], #8\n\t"                            \
    "smlad %[" s0 "], %[p], %[w], %[" s0 "]\n\t"                 \
    "smlad %[" s1 "], %[q], %[w], %[" s1 "]\n\t"
#define PRODUCTS                                                 \
    "ssub16 %[w], %[w], %[ones]\n\t" PIXEL_PAIR("s0", "s1") PIXEL_PAIR("s2", "s3")
#define FIRST_STEP "and %[w], %[fields], %[four]\n\t" PRODUCTS
#define STEP(turn) "and %[w], %[fields], %[four], ror #" turn "\n\t" PRODUCTS
#define OPERANDS                                                                                                  \
    : [s0] "+r"(s.of[0]), [s1] "+r"(s.of[1]), [s2] "+r"(s.of[2]), [s3] "+r"(s.of[3]), [x] "+r"(at), [k] "+r"(from), \
      [w] "=&r"(w), [four] "=&r"(four), [p] "=&r"(p), [q] "=&r"(q)                                                \
    : [fields] "r"(FIELDS), [ones] "r"(ONES), [end] "r"(end)                                                      \
    : "cc", "memory"

/* Adds the products of `steps` steps, an even number above 0, and moves *x and *k past them. */
static inline joint add_steps(joint s, const uint32_t **x, const int32_t **k, int32_t steps)
{
    const uint32_t *at = *x;
    const uint32_t *const end = at + PIXELS * (steps & ~3);
    const int32_t *from = *k;
    uint32_t w, four, p, q;

    if (steps >= 4) {
        __asm__("1:\n\t"
                "ldr %[four], [%[k]], #4\n\t" FIRST_STEP STEP("4") STEP("8") STEP("12")
                "cmp %[x], %[end]\n\t"
                "bne 1b" OPERANDS);
    }
    /* Two that remain have a word of weights of their own. */
    if ((steps & 2) != 0) {
        __asm__("ldr %[four], [%[k]], #4\n\t" FIRST_STEP STEP("4") OPERANDS);
    }
    *x = at;
    *k = from;
    return s;
}
#else
static inline joint add_steps(joint s, const uint32_t **x, const int32_t **k, int32_t steps)
{
    int32_t step, pixel;

    for (step = 0; step < steps; ++step, *x += PIXELS) {
        const uint32_t four = (uint32_t)(*k)[step >> 2];
        const uint32_t turn = 4u * ((uint32_t)step & 3u);
        const uint32_t w = edgeq_sub_lanes((four >> turn | four << ((32u - turn) & 31u)) & FIELDS, ONES);
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            s.of[pixel] = edgeq_mac_both_wrapping((*x)[pixel], w, s.of[pixel]);
        }
    }
    *k += (steps + 3) >> 2;
    return s;
}
#endif

/* Doubled sums of two channels, and those of the table added to them. */
typedef struct {
    int32_t a[PIXELS];
    int32_t b[PIXELS];
} sums;

static inline void put(const edgeq_widened *v, const int32_t d[PIXELS], edgeq_channel_quant quant, int8_t *y)
{
    int32_t pixel;

    for (pixel = 0; pixel < PIXELS; ++pixel, y += v->y_step) {
        const int32_t value = v->is_plain ? edgeq_finish_above_s8(d[pixel], quant) : edgeq_finish_s8(d[pixel], quant);
        *y = (int8_t)(v->is_limited ? edgeq_clamp(value, v->low, v->high) : value);
    }
}

static EDGEQ_NOINLINE void convolve_four(const edgeq_widened *v, const uint32_t *x, const int32_t *k, int8_t *y)
{
    int32_t left = v->channels;

    for (;;) {
        const edgeq_word_pair bias = edgeq_next_pair(&k);
        const uint32_t *at = x;
        int32_t steps = v->steps;
        int32_t pixel;
        sums d;

        for (pixel = 0; pixel < PIXELS; ++pixel) {
            d.a[pixel] = (int32_t)bias.first;
            d.b[pixel] = (int32_t)bias.second;
        }
        do {
            int32_t segment = steps < SEGMENT ? steps : SEGMENT;
            joint s = {{0, 0, 0, 0}};
            uint32_t of_a[PIXELS] = {0, 0, 0, 0};

            steps -= segment;
            do {
                const int32_t chunk = segment < CHUNK ? segment : CHUNK;

                s = add_steps(s, &at, &k, chunk);
                for (pixel = 0; pixel < PIXELS; ++pixel) {
                    /* what is new in the lower 14 bits, with its sign */
                    of_a[pixel] += (uint32_t)(edgeq_wrap_s32((s.of[pixel] - of_a[pixel]) << 18) >> 18);
                }
                segment -= chunk;
            } while (segment > 0);
            for (pixel = 0; pixel < PIXELS; ++pixel) {
                d.a[pixel] += edgeq_wrap_s32(2u * of_a[pixel]);
                d.b[pixel] += edgeq_wrap_s32(s.of[pixel] - of_a[pixel]) >> 13;
            }
        } while (steps > 0);
        put(v, d.a, edgeq_next_quant(&k), y);
        put(v, d.b, edgeq_next_quant(&k), y + 1);
        left -= 2;
        if (left <= 0) {
            return;
        }
        /* The last record is of the last two channels: with an odd number it computes one again. */
        y += left == 1 ? 1 : 2;
    }
}

arm_cmsis_nn_status edgeq_convolve_ternary_dsp_s8(const cmsis_nn_context *ctx,
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
                                  output_data, convolve_four);
}
