/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution with ternary weights for cores with the DSP extension: four output pixels by two channels at a time.
 *
 * Windows are widened as for edgeq_convolve_4x2_dsp_s8.c. A word of weights holds four steps, a step two inputs of two
 * channels a and b: turned to the right by four bits for each step that came before, and masked, a lane holds a + 1 in
 * its lowest and b in its highest two bits; less 1, it is 2^14 b + a. So one SMLAD counts for four MACs, and a step of
 * 16 MACs costs 8 instructions: AND, SSUB16, two LDRD, four SMLAD. The sum of b x lies 14 bits above that of a x, which
 * is taken down whenever it might outgrow them. How many steps that takes, the weights tell.
 */
#include "edgeq_kernels_narrow.h"
#include "edgeq_widened.h"

#define PIXELS EDGEQ_WIDENED
#define FIELDS 0xc003c003u
#define ONES 0x00010001u

/* What the table says of requantization; in two words only where no sum has to be taken down on the way. */
enum { ANY_FACTORS, FACTORS_BELOW_HALF, TWO_WORDS };

/* Of each pixel 2^14 times the sum of b x plus that of a x. */
typedef struct {
    uint32_t of[PIXELS];
} joint;

#if defined(__ARM_FEATURE_DSP)
#define HAS_ASSEMBLY true
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
#define HAS_ASSEMBLY false
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

#if defined(__ARM_FEATURE_DSP)
/* Doubled, a's sum goes to a register of its own, b's stays. */
#define APART(a, s)                                              \
    "sbfx %[" a "], %[" s "], #0, #14\n\t"                       \
    "sub %[" s "], %[" s "], %[" a "]\n\t"                       \
    "add %[" a "], %[p], %[" a "], lsl #1\n\t"                   \
    "add %[" s "], %[q], %[" s "], asr #13\n\t"
/* edgeq_finish_s8. */
#define SCALED_AWAY(d)                                           \
    "add %[fields], %[q], %[" d "], asr #31\n\t"                 \
    "smmlar %[" d "], %[" d "], %[p], %[fields]\n\t"
#define LIMITED(d)                                               \
    "asr %[" d "], %[" d "], %[ones]\n\t"                        \
    "ssat %[" d "], #8, %[" d "]\n\t"
/* Where the factor is a half and more. */
#define SCALED_UP(d)                                             \
    "lsl %[" d "], %[" d "], %[ones]\n\t"                        \
    "smmlar %[" d "], %[" d "], %[p], %[q]\n\t"                  \
    "ssat %[" d "], #8, %[" d "]\n\t"
#define BELOW_AWAY(d0, d1, d2, d3)                               \
    SCALED_AWAY(d0) LIMITED(d0) SCALED_AWAY(d1) LIMITED(d1) SCALED_AWAY(d2) LIMITED(d2) SCALED_AWAY(d3) LIMITED(d3)
#define EITHER(d0, d1, d2, d3)                                   \
    "cmp %[ones], #0\n\t"                                        \
    "ble 4f\n\t" BELOW_AWAY(d0, d1, d2, d3)                      \
    "b 5f\n"                                                     \
    "4:\n\t"                                                     \
    "rsb %[ones], %[ones], #0\n\t" SCALED_UP(d0) SCALED_UP(d1) SCALED_UP(d2) SCALED_UP(d3) \
    "5:\n\t"
#define FINISHED(scaled, d0, d1, d2, d3)                         \
    "ldrd %[p], %[q], [%[k]], #8\n\t"                            \
    "ldr %[ones], [%[k]], #4\n\t" scaled(d0, d1, d2, d3)
/* Both results of each pixel together, and on to the next record. */
#define STORED                                                   \
    "bfi %[w], %[s0], #8, #8\n\t"                                \
    "bfi %[four], %[s1], #8, #8\n\t"                             \
    "bfi %[x], %[s2], #8, #8\n\t"                                \
    "bfi %[end], %[s3], #8, #8\n\t"                              \
    "ldr %[p], %[y]\n\t"                                         \
    "ldr %[q], %[step]\n\t"                                      \
    "strh %[four], [%[p], %[q]]\n\t"                             \
    "strh %[x], [%[p], %[q], lsl #1]\n\t"                        \
    "add %[four], %[p], %[q]\n\t"                                \
    "strh %[end], [%[four], %[q], lsl #1]\n\t"                   \
    "strh %[w], [%[p]], #2\n\t"                                  \
    "ldr %[w], %[k_end]\n\t"                                     \
    "str %[p], %[y]\n\t"                                         \
    "cmp %[k], %[w]\n\t"                                         \
    "bne 0b"
/* From 0: on to 3: the sums of four pixels. */
#define SUMS                                                     \
    "mov %[s0], #0\n\t"                                          \
    "mov %[s1], #0\n\t"                                          \
    "mov %[s2], #0\n\t"                                          \
    "mov %[s3], #0\n\t"                                          \
    "ldr %[x], %[start]\n\t"                                     \
    "ldr %[end], %[fours]\n\t"                                   \
    "cmp %[x], %[end]\n\t"                                       \
    "beq 2f\n"                                                   \
    "1:\n\t"                                                     \
    "ldr %[four], [%[k]], #4\n\t" FIRST_STEP STEP("4") STEP("8") STEP("12") \
    "cmp %[x], %[end]\n\t"                                       \
    "bne 1b\n"                                                   \
    "2:\n\t"                                                     \
    "ldr %[w], %[last]\n\t"                                      \
    "cmp %[x], %[w]\n\t"                                         \
    "beq 3f\n\t"                                                 \
    "ldr %[four], [%[k]], #4\n\t" FIRST_STEP STEP("4")           \
    "3:\n\t"
#define RECORDS(scaled)                                          \
    "0:\n\t"                                                     \
    "ldr %[fields], %[mask]\n\t"                                 \
    "mov %[ones], #0x00010001\n\t" SUMS                          \
    "ldrd %[p], %[q], [%[k]], #8\n\t"                            \
    APART("w", "s0") APART("four", "s1") APART("x", "s2") APART("end", "s3") \
    FINISHED(scaled, "w", "four", "x", "end") FINISHED(scaled, "s0", "s1", "s2", "s3") STORED
/* Where two words requantize a sum, of a times 2^18 and of b times 2^14. */
#define PARTED(a, s)                                             \
    "lsl %[" a "], %[" s "], #18\n\t"                            \
    "sub %[" s "], %[" s "], %[" a "], asr #18\n\t"
#define SHORT(d)                                                 \
    "smmlar %[" d "], %[" d "], %[p], %[q]\n\t"                  \
    "ssat %[" d "], #8, %[" d "], asr #12\n\t"
#define SHORTS(d0, d1, d2, d3) "ldrd %[p], %[q], [%[k]], #8\n\t" SHORT(d0) SHORT(d1) SHORT(d2) SHORT(d3)
#define RECORDS_BY_TWO_WORDS                                            \
    "0:\n\t" SUMS                                                \
    PARTED("w", "s0") PARTED("four", "s1") PARTED("x", "s2") PARTED("end", "s3") \
    SHORTS("w", "four", "x", "end") SHORTS("s0", "s1", "s2", "s3") STORED
#define RECORD_OPERANDS                                                                                               \
    : [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3), [x] "=&r"(at), [k] "+r"(k), [w] "=&r"(w),       \
      [four] "=&r"(four), [p] "=&r"(p), [q] "=&r"(q), [fields] "=&r"(fields), [ones] "=&r"(ones), [end] "=&r"(end),   \
      [y] "+m"(y)                                                       \
    : [start] "m"(start), [fours] "m"(fours), [last] "m"(last), [step] "m"(step), [k_end] "m"(k_end), [mask] "m"(mask) \
    : "cc", "memory"

/*
 * The channels of four pixels, two at a time, where no sum has to be taken down on the way; k is the table from its first
 * record on, up to k_end. Limits narrower than int8 are for the caller.
 */
static EDGEQ_NOINLINE void convolve_at_once(const edgeq_widened *v, const uint32_t *start, const int32_t *k,
                                            const int32_t *k_end, int32_t kind, int8_t *y)
{
    const uint32_t *const fours = start + PIXELS * (v->steps & ~3);
    const uint32_t *const last = start + PIXELS * v->steps;
    const uint32_t mask = FIELDS;
    const int32_t step = v->y_step;
    uint32_t s0, s1, s2, s3, at, w, four, p, q, fields, ones, end;

    if (kind == TWO_WORDS) {
        __asm__(RECORDS_BY_TWO_WORDS
                : [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3), [x] "=&r"(at), [k] "+r"(k),
                  [w] "=&r"(w), [four] "=&r"(four), [p] "=&r"(p), [q] "=&r"(q), [end] "=&r"(end), [y] "+m"(y)
                : [start] "m"(start), [fours] "m"(fours), [last] "m"(last), [step] "m"(step), [k_end] "m"(k_end),
                  [fields] "r"(FIELDS), [ones] "r"(ONES)
                : "cc", "memory");
    } else if (kind == ANY_FACTORS) {
        __asm__(RECORDS(EITHER) RECORD_OPERANDS);
    } else {
        __asm__(RECORDS(BELOW_AWAY) RECORD_OPERANDS);
    }
}
#else
/* By two words, in C. */
static void convolve_at_once(const edgeq_widened *v, const uint32_t *start, const int32_t *k, const int32_t *k_end,
                             int32_t kind, int8_t *y)
{
    (void)kind;
    for (; k != k_end; y += 2) {
        const uint32_t *x = start;
        joint s = {{0, 0, 0, 0}};
        edgeq_word_pair of_a, of_b;
        int32_t pixel;

        s = add_steps(s, &x, &k, v->steps);
        of_a = edgeq_next_pair(&k);
        of_b = edgeq_next_pair(&k);
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            int8_t *const to = y + pixel * v->y_step;
            const uint32_t a = s.of[pixel] << 18;
            to[0] = edgeq_finish_two_words_s8(edgeq_wrap_s32(a), of_a);
            to[1] = edgeq_finish_two_words_s8(edgeq_wrap_s32(s.of[pixel] - (uint32_t)(edgeq_wrap_s32(a) >> 18)), of_b);
        }
    }
}
#endif

/* Doubled sums of two channels, without their biases. */
typedef struct {
    int32_t a[PIXELS];
    int32_t b[PIXELS];
} sums;

/* The results of doubled sums without their bias. */
static inline void put(const edgeq_widened *v, int32_t kind, const int32_t d[PIXELS], int32_t bias,
                       edgeq_channel_quant quant, int8_t *y)
{
    int32_t pixel;

    if (kind == FACTORS_BELOW_HALF && !v->is_limited) {
        for (pixel = 0; pixel < PIXELS; ++pixel, y += v->y_step) {
            *y = (int8_t)edgeq_finish_s8(d[pixel] + bias, quant);
        }
        return;
    }
    for (pixel = 0; pixel < PIXELS; ++pixel, y += v->y_step) {
        *y = (int8_t)edgeq_clamp(edgeq_finish_either_s8(d[pixel] + bias, quant), v->low, v->high);
    }
}

static EDGEQ_NOINLINE void convolve_four(const edgeq_widened *v, const uint32_t *x, const int32_t *k, int8_t *y)
{
    const int32_t kind = k[0];
    /* Steps after which the sum of a x could leave 14 bits, multiples of four; and that of b x the 18 bits above. */
    const int32_t in_chunk = k[1];
    const int32_t in_segment = k[2];
    int32_t left = v->channels;

    k += 3;
    if (kind == TWO_WORDS || (HAS_ASSEMBLY && in_chunk >= v->steps)) {
        /* With an odd number of channels the last record computes one again. */
        const int32_t record = (kind == TWO_WORDS ? 4 : 8) + (v->steps + 3) / 4;
        const int32_t *const last = k + left / 2 * record;
        int32_t pixel, c;

        convolve_at_once(v, x, k, last, kind, y);
        if ((left & 1) != 0) {
            convolve_at_once(v, x, last, last + record, kind, y + left - 2);
        }
        for (pixel = 0; v->is_limited && pixel < PIXELS; ++pixel, y += v->y_step) {
            for (c = 0; c < left; ++c) {
                y[c] = (int8_t)edgeq_clamp(y[c], v->low, v->high);
            }
        }
        return;
    }

    for (;;) {
        const uint32_t *at = x;
        edgeq_word_pair bias;
        int32_t steps = v->steps;
        int32_t pixel;
        sums d;

        for (pixel = 0; pixel < PIXELS; ++pixel) {
            d.a[pixel] = 0;
            d.b[pixel] = 0;
        }
        do {
            int32_t segment = steps < in_segment ? steps : in_segment;
            joint s = {{0, 0, 0, 0}};
            uint32_t of_a[PIXELS] = {0, 0, 0, 0};

            steps -= segment;
            do {
                const int32_t chunk = segment < in_chunk ? segment : in_chunk;

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
        bias = edgeq_next_pair(&k);
        put(v, kind, d.a, (int32_t)bias.first, edgeq_next_quant(&k), y);
        put(v, kind, d.b, (int32_t)bias.second, edgeq_next_quant(&k), y + 1);
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
    return edgeq_convolve_by_four(ctx, conv_params, input_dims, input_data, filter_dims, packed, false, backwards, output_dims,
                                  output_data, convolve_four);
}
