/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution with ternary or binary weights (EDGEQ_WEIGHT_BITS) for cores with the DSP extension: four output pixels by
 * two channels at a time.
 *
 * Windows are widened as for edgeq_convolve_4x2_dsp_s8.c, words of weights are those of edgeq_narrow_fields.h. A step of 16
 * MACs costs 8 instructions: AND, SSUB16, two LDRD, four SMLAD. The sum of a x is taken down whenever it might outgrow its
 * bits. How many steps that takes, the weights tell.
 */
#ifndef EDGEQ_CONVOLVE_NARROW_H
#define EDGEQ_CONVOLVE_NARROW_H

#include "edgeq_narrow_fields.h"
#include "edgeq_widened.h"

#define PIXELS EDGEQ_WIDENED

/* What the table says of requantization; in two words only where no sum has to be taken down on the way. */
enum { ANY_FACTORS, FACTORS_BELOW_HALF, TWO_WORDS };

/* Of each pixel 2^14 times the sum of b x plus that of a x. */
typedef struct {
    uint32_t of[PIXELS];
} edgeq_joint;

#if defined(__ARM_FEATURE_DSP)
#define HAS_ASSEMBLY true
#define PIXEL_PAIR(s0, s1)                                       \
    "ldrd %[p], %[q], [%[x]], #8\n\t"                            \
    "smlad %[" s0 "], %[p], %[w], %[" s0 "]\n\t"                 \
    "smlad %[" s1 "], %[q], %[w], %[" s1 "]\n\t"
#define PRODUCTS                                                 \
    "ssub16 %[w], %[w], %[lower]\n\t" PIXEL_PAIR("s0", "s1") PIXEL_PAIR("s2", "s3")
#define FIRST_STEP "and %[w], %[fields], %[word]\n\t" PRODUCTS
#define STEP(turn) "and %[w], %[fields], %[word], ror #" turn "\n\t" PRODUCTS
#define FOUR_STEPS FIRST_STEP STEP("4") STEP("8") STEP("12")
#if EDGEQ_WEIGHT_BITS == 1
#define ALL_STEPS FOUR_STEPS STEP("1") STEP("5") STEP("9") STEP("13")
#else
#define ALL_STEPS FOUR_STEPS
#endif
/* To the first word's first step, SKIPPED_BYTES(steps that are not there) from 1 on, and so on until x is at the end. */
#define SKIPPED_BYTES(steps) (2 + 32 * (steps))
#define STEPS(at_end)                                            \
    "ldr %[w], %[skip]\n\t"                                      \
    "ldr %[word], [%[k]], #4\n\t"                                \
    "add pc, %[w]\n"                                             \
    "1:\n\t"                                                     \
    "ldr.w %[word], [%[k]], #4\n\t" ALL_STEPS at_end             \
    "bne 1b\n\t"

/* Adds the products of `steps` steps and moves *x and *k past them; in the first word, `skipped` come before. */
static inline edgeq_joint edgeq_add_steps(edgeq_joint s, const uint32_t **x, const int32_t **k, int32_t skipped,
                                          int32_t steps)
{
    const uint32_t *at = *x;
    const uint32_t *const end = at + PIXELS * steps;
    const int32_t *from = *k;
    const int32_t skip = SKIPPED_BYTES(skipped);
    uint32_t w, word, p, q;

    /* `end` in memory: not every core has a register left. */
    __asm__(STEPS("ldr %[w], %[end]\n\t"
                  "cmp %[x], %[w]\n\t")
            : [s0] "+r"(s.of[0]), [s1] "+r"(s.of[1]), [s2] "+r"(s.of[2]), [s3] "+r"(s.of[3]), [x] "+r"(at), [k] "+r"(from),
              [w] "=&r"(w), [word] "=&r"(word), [p] "=&r"(p), [q] "=&r"(q)
            : [fields] "r"(EDGEQ_FIELDS), [lower] "r"(EDGEQ_LESS_LANES), [skip] "m"(skip), [end] "m"(end)
            : "cc", "memory");
    *x = at;
    *k = from;
    return s;
}
#else
#define HAS_ASSEMBLY false
static inline edgeq_joint edgeq_add_steps(edgeq_joint s, const uint32_t **x, const int32_t **k, int32_t skipped,
                                          int32_t steps)
{
    const int32_t end = skipped + steps;
    int32_t step, pixel;

    for (step = skipped; step < end; ++step, *x += PIXELS) {
        const uint32_t field = edgeq_narrow_step((uint32_t)(*k)[step / EDGEQ_STEPS], step % EDGEQ_STEPS);
        const uint32_t w = edgeq_sub_lanes(field, EDGEQ_LESS_LANES);
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            s.of[pixel] = edgeq_mac_both_wrapping((*x)[pixel], w, s.of[pixel]);
        }
    }
    *k += (end + EDGEQ_STEPS - 1) / EDGEQ_STEPS;
    return s;
}
#endif

#if defined(__ARM_FEATURE_DSP)
/* edgeq_narrow_low, and its sign at the top. */
#if EDGEQ_WEIGHT_BITS == 1
#define LOW(a, s) "sub %[" a "], %[" s "], %[" s "], lsl #14\n\t"
#define LOW_SIGNED(a, s) LOW(a, s) "sbfx %[" a "], %[" a "], #0, #15\n\t"
#define LOW_SHIFTED(a, s) LOW(a, s) "lsl %[" a "], %[" a "], #17\n\t"
#define LOW_AGAIN(a) "%[" a "], asr #17\n\t"
#else
#define LOW_SIGNED(a, s) "sbfx %[" a "], %[" s "], #0, #14\n\t"
#define LOW_SHIFTED(a, s) "lsl %[" a "], %[" s "], #18\n\t"
#define LOW_AGAIN(a) "%[" a "], asr #18\n\t"
#endif
/* Doubled, a's sum goes to a register of its own, b's stays. */
#define APART(a, s)                                              \
    LOW_SIGNED(a, s)                                             \
    "sub %[" s "], %[" s "], %[" a "]\n\t"                       \
    "add %[" a "], %[p], %[" a "], lsl #1\n\t"                   \
    "add %[" s "], %[q], %[" s "], asr #13\n\t"
/* edgeq_finish_s8. */
#define SCALED_AWAY(d)                                           \
    "add %[fields], %[q], %[" d "], asr #31\n\t"                 \
    "smmlar %[" d "], %[" d "], %[p], %[fields]\n\t"
#define LIMITED(d)                                               \
    "asr %[" d "], %[" d "], %[lower]\n\t"                       \
    "ssat %[" d "], #8, %[" d "]\n\t"
/* Where the factor is a half and more. */
#define SCALED_UP(d)                                             \
    "lsl %[" d "], %[" d "], %[lower]\n\t"                       \
    "smmlar %[" d "], %[" d "], %[p], %[q]\n\t"                  \
    "ssat %[" d "], #8, %[" d "]\n\t"
#define BELOW_AWAY(d0, d1, d2, d3)                               \
    SCALED_AWAY(d0) LIMITED(d0) SCALED_AWAY(d1) LIMITED(d1) SCALED_AWAY(d2) LIMITED(d2) SCALED_AWAY(d3) LIMITED(d3)
#define EITHER(d0, d1, d2, d3)                                   \
    "cmp %[lower], #0\n\t"                                       \
    "ble 4f\n\t" BELOW_AWAY(d0, d1, d2, d3)                      \
    "b 5f\n"                                                     \
    "4:\n\t"                                                     \
    "rsb %[lower], %[lower], #0\n\t" SCALED_UP(d0) SCALED_UP(d1) SCALED_UP(d2) SCALED_UP(d3) \
    "5:\n\t"
#define FINISHED(scaled, d0, d1, d2, d3)                         \
    "ldrd %[p], %[q], [%[k]], #8\n\t"                            \
    "ldr %[lower], [%[k]], #4\n\t" scaled(d0, d1, d2, d3)
/* Both results of each pixel together, and on to the next record. */
#define STORED                                                   \
    "bfi %[w], %[s0], #8, #8\n\t"                                \
    "bfi %[word], %[s1], #8, #8\n\t"                             \
    "bfi %[x], %[s2], #8, #8\n\t"                                \
    "bfi %[end], %[s3], #8, #8\n\t"                              \
    "ldr %[q], %[step]\n\t"                                      \
    "strh %[word], [%[y], %[q]]\n\t"                             \
    "strh %[x], [%[y], %[q], lsl #1]\n\t"                        \
    "add %[word], %[y], %[q]\n\t"                                \
    "strh %[end], [%[word], %[q], lsl #1]\n\t"                   \
    "strh %[w], [%[y]], #2\n\t"                                  \
    "ldr %[w], %[k_end]\n\t"                                     \
    "cmp %[k], %[w]\n\t"                                         \
    "bne 0b"
/* The sums of four pixels. */
#define SUMS                                                     \
    "mov %[s0], #0\n\t"                                          \
    "mov %[s1], #0\n\t"                                          \
    "mov %[s2], #0\n\t"                                          \
    "mov %[s3], #0\n\t"                                          \
    "ldr %[x], %[start]\n\t"                                     \
    "ldr %[end], %[last]\n\t" STEPS("cmp %[x], %[end]\n\t")
#define RECORDS(scaled)                                          \
    "0:\n\t"                                                     \
    "ldr %[fields], %[mask]\n\t"                                 \
    "ldr %[lower], %[less]\n\t" SUMS                             \
    "ldrd %[p], %[q], [%[k]], #8\n\t"                            \
    APART("w", "s0") APART("word", "s1") APART("x", "s2") APART("end", "s3") \
    FINISHED(scaled, "w", "word", "x", "end") FINISHED(scaled, "s0", "s1", "s2", "s3") STORED
/* Where two words requantize sums: edgeq_narrow_first and edgeq_narrow_second. */
#define PARTED(a, s)                                             \
    LOW_SHIFTED(a, s)                                            \
    "sub %[" s "], %[" s "], " LOW_AGAIN(a)
#define SHORT(d)                                                 \
    "smmlar %[" d "], %[" d "], %[p], %[q]\n\t"                  \
    "ssat %[" d "], #8, %[" d "], asr #12\n\t"
#define SHORTS(d0, d1, d2, d3) "ldrd %[p], %[q], [%[k]], #8\n\t" SHORT(d0) SHORT(d1) SHORT(d2) SHORT(d3)
#define RECORDS_BY_TWO_WORDS                                     \
    "0:\n\t" SUMS                                                \
    PARTED("w", "s0") PARTED("word", "s1") PARTED("x", "s2") PARTED("end", "s3") \
    SHORTS("w", "word", "x", "end") SHORTS("s0", "s1", "s2", "s3") STORED
#define RECORD_OPERANDS                                          \
    : [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3), [x] "=&r"(at), [k] "+r"(k), [w] "=&r"(w),       \
      [word] "=&r"(word), [p] "=&r"(p), [q] "=&r"(q), [fields] "=&r"(fields), [lower] "=&r"(lower),                   \
      [end] "=&r"(end), [y] "+r"(y)                                                                                   \
    : [start] "m"(start), [skip] "m"(skip), [last] "m"(last), [step] "m"(step), [k_end] "m"(k_end),                 \
      [mask] "m"(mask), [less] "m"(less)                                                                              \
    : "cc", "memory"

/* Channels two at a time, where no sum has to be taken down on the way, up to the record at k_end. */
static EDGEQ_NOINLINE void edgeq_convolve_narrow_at_once(const edgeq_widened *v, const uint32_t *start, const int32_t *k,
                                                         int32_t kind, int8_t *y)
{
    const int32_t record = (kind == TWO_WORDS ? 4 : 8) + (v->steps + EDGEQ_STEPS - 1) / EDGEQ_STEPS;
    const int32_t *k_end = k + v->channels / 2 * record;
    /* With an odd number of channels the last record computes one again. */
    const int32_t *const k_last = k_end + (v->channels & 1) * record;
    const int32_t skip = SKIPPED_BYTES(-v->steps & (EDGEQ_STEPS - 1));
    const uint32_t *const last = start + PIXELS * v->steps;
    const int32_t step = v->y_step;
    uint32_t s0, s1, s2, s3, at, w, word, p, q, fields, lower, end;

    for (;; k_end = k_last, --y) {
        if (kind == TWO_WORDS) {
            __asm__(RECORDS_BY_TWO_WORDS
                    : [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3), [x] "=&r"(at), [k] "+r"(k),
                      [w] "=&r"(w), [word] "=&r"(word), [p] "=&r"(p), [q] "=&r"(q), [end] "=&r"(end), [y] "+r"(y)
                    : [start] "m"(start), [skip] "m"(skip), [last] "m"(last), [step] "m"(step), [k_end] "m"(k_end),
                      [fields] "r"(EDGEQ_FIELDS), [lower] "r"(EDGEQ_LESS_LANES)
                    : "cc", "memory");
        } else {
            const uint32_t mask = EDGEQ_FIELDS;
            const uint32_t less = EDGEQ_LESS_LANES;

            if (kind == ANY_FACTORS) {
                __asm__(RECORDS(EITHER) RECORD_OPERANDS);
            } else {
                __asm__(RECORDS(BELOW_AWAY) RECORD_OPERANDS);
            }
        }
        if (k == k_last) {
            return;
        }
    }
}
#else
/* By two words, in C. */
static void edgeq_convolve_narrow_at_once(const edgeq_widened *v, const uint32_t *start, const int32_t *k, int32_t kind,
                                          int8_t *y)
{
    int32_t left;

    (void)kind;
    for (left = v->channels; left > 0; left -= 2, y += left == 1 ? 1 : 2) {
        const uint32_t *x = start;
        edgeq_joint s = {{0, 0, 0, 0}};
        edgeq_word_pair of_a, of_b;
        int32_t pixel;

        s = edgeq_add_steps(s, &x, &k, -v->steps & (EDGEQ_STEPS - 1), v->steps);
        of_a = edgeq_next_pair(&k);
        of_b = edgeq_next_pair(&k);
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            int8_t *const to = y + pixel * v->y_step;
            const int32_t a = edgeq_narrow_first(s.of[pixel]);
            to[0] = edgeq_finish_two_words_s8(a, of_a);
            to[1] = edgeq_finish_two_words_s8(edgeq_narrow_second(s.of[pixel], a), of_b);
        }
    }
}
#endif

/* Doubled sums of two channels, without their biases. */
typedef struct {
    int32_t a[PIXELS];
    int32_t b[PIXELS];
} edgeq_apart;

/* The results of doubled sums without their bias. */
static inline void edgeq_put_four(const edgeq_widened *v, int32_t kind, const int32_t d[PIXELS], int32_t bias,
                                  edgeq_channel_quant quant, int8_t *y)
{
    int32_t pixel;

    if (kind == FACTORS_BELOW_HALF) {
        for (pixel = 0; pixel < PIXELS; ++pixel, y += v->y_step) {
            *y = (int8_t)edgeq_finish_s8(d[pixel] + bias, quant);
        }
        return;
    }
    for (pixel = 0; pixel < PIXELS; ++pixel, y += v->y_step) {
        *y = (int8_t)edgeq_finish_either_s8(d[pixel] + bias, quant);
    }
}

/* The same where sums have to be taken down. */
static EDGEQ_NOINLINE void edgeq_convolve_narrow_chunks(const edgeq_widened *v, const uint32_t *x, const int32_t *k,
                                                        int8_t *y)
{
    const int32_t kind = k[0];
    /* Steps after which the sum of a x could leave its bits, multiples of a word's; and that of b x the 18 bits above. */
    const int32_t in_chunk = k[1];
    const int32_t in_segment = k[2];
    int32_t left = v->channels;

    k += 3;
    for (;;) {
        const uint32_t *at = x;
        edgeq_word_pair bias;
        int32_t skipped = -v->steps & (EDGEQ_STEPS - 1);
        int32_t steps = skipped + v->steps;
        int32_t pixel;
        edgeq_apart d;

        for (pixel = 0; pixel < PIXELS; ++pixel) {
            d.a[pixel] = 0;
            d.b[pixel] = 0;
        }
        do {
            int32_t segment = steps < in_segment ? steps : in_segment;
            edgeq_joint s = {{0, 0, 0, 0}};
            uint32_t of_a[PIXELS] = {0, 0, 0, 0};

            steps -= segment;
            do {
                const int32_t chunk = segment < in_chunk ? segment : in_chunk;

                s = edgeq_add_steps(s, &at, &k, skipped, chunk - skipped);
                skipped = 0;
                for (pixel = 0; pixel < PIXELS; ++pixel) {
                    /* what is new in the lower bits, with its sign */
                    const uint32_t more = (edgeq_narrow_low(s.of[pixel]) - of_a[pixel]) << (32 - EDGEQ_LOW_BITS);
                    of_a[pixel] += (uint32_t)(edgeq_wrap_s32(more) >> (32 - EDGEQ_LOW_BITS));
                }
                segment -= chunk;
            } while (segment > 0);
            for (pixel = 0; pixel < PIXELS; ++pixel) {
                d.a[pixel] += edgeq_wrap_s32(2u * of_a[pixel]);
                d.b[pixel] += edgeq_wrap_s32(s.of[pixel] - of_a[pixel]) >> 13;
            }
        } while (steps > 0);
        bias = edgeq_next_pair(&k);
        edgeq_put_four(v, kind, d.a, (int32_t)bias.first, edgeq_next_quant(&k), y);
        edgeq_put_four(v, kind, d.b, (int32_t)bias.second, edgeq_next_quant(&k), y + 1);
        left -= 2;
        if (left <= 0) {
            return;
        }
        /* The last record is of the last two channels: with an odd number it computes one again. */
        y += left == 1 ? 1 : 2;
    }
}

/* Limits narrower than int8. */
static EDGEQ_NOINLINE void edgeq_limit_four(const edgeq_widened *v, int8_t *y)
{
    int32_t pixel, c;

    for (pixel = 0; pixel < PIXELS; ++pixel, y += v->y_step) {
        for (c = 0; c < v->channels; ++c) {
            y[c] = (int8_t)edgeq_clamp(y[c], v->low, v->high);
        }
    }
}

/* All channels of four pixels; packed is the layer's table (edgeq's kernels/conv_2d_narrow_dsp.py). */
static inline void edgeq_convolve_narrow_four(const edgeq_widened *v, const uint32_t *x, const int32_t *packed, int8_t *y)
{
    if (packed[0] == TWO_WORDS || (HAS_ASSEMBLY && packed[1] >= v->steps)) {
        edgeq_convolve_narrow_at_once(v, x, packed + 3, packed[0], y);
    } else {
        edgeq_convolve_narrow_chunks(v, x, packed, y);
    }
    if (v->is_limited) {
        edgeq_limit_four(v, y);
    }
}

#endif
