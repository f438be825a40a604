/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected layer with ternary or binary weights (EDGEQ_WEIGHT_BITS) for cores with the DSP extension, four units at
 * a time.
 *
 * Words of weights are those of edgeq_narrow_fields.h: of eight inputs four steps of units (a, b), then four of (c, d).
 * Here fields stay as they are, EDGEQ_LESS too large, and as many times the sum of the inputs, found beforehand, is taken
 * off. Eight inputs of four units, 32 MACs, cost 23 instructions: one LDR or LDRD of weights, two LDR of inputs, four
 * SXTB16, eight AND, eight SMLAD. The input's offset is part of the bias.
 *
 * Inputs behind the last whole eight are taken as the last eight, those before set to 0; fewer than eight are filled up
 * with zeros.
 */
#ifndef EDGEQ_FULLY_CONNECTED_NARROW_H
#define EDGEQ_FULLY_CONNECTED_NARROW_H

#include <stdbool.h>
#include <string.h>

#include "arm_nn_types.h"
#include "edgeq_narrow_fields.h"
#include "edgeq_window.h"

/* The table's first number: what requantizes sums that fit their bits, or after how many inputs they are taken down. */
enum { THREE_WORDS = -1, TWO_WORDS = 0 };
/* A piece has at least 56 inputs: no fewer fill 14 bits. */
#define PIECES 64

/* Of units (a, b) and (c, d) 2^14 times the sum of the second plus that of the first. */
typedef struct {
    uint32_t ab, cd;
} edgeq_units;

#if defined(__ARM_FEATURE_DSP)
#define FOUR(summed, ab_even, ab_odd, cd_even, cd_odd)             \
    "ldr %[odd], [%[x]], #4\n\t"                                   \
    "sxtb16 %[even], %[odd]\n\t"                                   \
    "sxtb16 %[odd], %[odd], ror #8\n\t" summed                     \
    "and %[w], %[fields], " ab_even "\n\t"                         \
    "smlad %[ab], %[even], %[w], %[ab]\n\t"                        \
    "and %[w], %[fields], " ab_odd "\n\t"                          \
    "smlad %[ab], %[odd], %[w], %[ab]\n\t"                         \
    "and %[w], %[fields], " cd_even "\n\t"                         \
    "smlad %[cd], %[even], %[w], %[cd]\n\t"                        \
    "and %[w], %[fields], " cd_odd "\n\t"                          \
    "smlad %[cd], %[odd], %[w], %[cd]\n\t"
#if EDGEQ_WEIGHT_BITS == 1
#define EIGHT(summed)                                              \
    "ldr %[p], [%[k]], #4\n\t"                                     \
    FOUR(summed, "%[p]", "%[p], ror #4", "%[p], ror #1", "%[p], ror #5") \
    FOUR(summed, "%[p], ror #8", "%[p], ror #12", "%[p], ror #9", "%[p], ror #13")
#else
#define EIGHT(summed)                                              \
    "ldrd %[p], %[q], [%[k]], #8\n\t"                              \
    FOUR(summed, "%[p]", "%[p], ror #4", "%[q]", "%[q], ror #4")   \
    FOUR(summed, "%[p], ror #8", "%[p], ror #12", "%[q], ror #8", "%[q], ror #12")
#endif
#define EIGHTS(summed)                                             \
    "1:\n\t" EIGHT(summed)                                         \
    "cmp %[x], %[end]\n\t"                                         \
    "bne 1b"
/* The sum of the inputs themselves. */
#define SUMMED                                                     \
    "smlad %[sum], %[even], %[ones], %[sum]\n\t"                   \
    "smlad %[sum], %[odd], %[ones], %[sum]\n\t"
#define OPERANDS                                                                                               \
    [ab] "+r"(s.ab), [cd] "+r"(s.cd), [x] "+r"(x), [k] "+r"(at), [even] "=&r"(even), [odd] "=&r"(odd), [w] "=&r"(w), \
        [p] "=&r"(p), [q] "=&r"(q)

/* Adds the products of the inputs from x to `end`, a multiple of eight above 0, and moves *k past them. */
static inline edgeq_units edgeq_add_eights(edgeq_units s, const int8_t *x, const int8_t *end, const int32_t **k)
{
    const int32_t *at = *k;
    uint32_t even, odd, w, p, q;

    __asm__(EIGHTS("") : OPERANDS : [fields] "r"(EDGEQ_FIELDS), [end] "r"(end) : "cc", "memory");
    *k = at;
    return s;
}

/* The same, and what such sums have to begin with is found and added. */
static inline edgeq_units edgeq_add_first_eights(uint32_t *begin, const int8_t *x, const int8_t *end, const int32_t **k)
{
    const int32_t *at = *k;
    edgeq_units s = {0, 0};
    uint32_t sum = 0;
    uint32_t even, odd, w, p, q;

    __asm__(EIGHTS(SUMMED)
            : OPERANDS, [sum] "+r"(sum)
            : [fields] "r"(EDGEQ_FIELDS), [ones] "r"(0x00010001u), [end] "r"(end)
            : "cc", "memory");
    *k = at;
    *begin = 0u - (uint32_t)EDGEQ_LESS * sum;
    s.ab += *begin;
    s.cd += *begin;
    return s;
}
#else
/* The products of two inputs, of which numbers of steps those of (a, b) and of (c, d) have. */
static inline edgeq_units edgeq_add_two(edgeq_units s, uint32_t inputs, const int32_t *k, int32_t step)
{
    const int32_t second = step + 4;

    s.ab = edgeq_mac_both_wrapping(inputs, edgeq_narrow_step((uint32_t)k[0], step), s.ab);
    s.cd = edgeq_mac_both_wrapping(
        inputs, edgeq_narrow_step((uint32_t)k[second / EDGEQ_STEPS], second % EDGEQ_STEPS), s.cd);
    return s;
}

static inline edgeq_units edgeq_add_eights(edgeq_units s, const int8_t *x, const int8_t *end, const int32_t **k)
{
    int32_t step;

    for (; x != end; *k += 8 / EDGEQ_STEPS) {
        for (step = 0; step < 4; step += 2, x += 4) {
            const uint32_t inputs = edgeq_load_s8x4(x);
            s = edgeq_add_two(s, edgeq_even_bytes(inputs), *k, step);
            s = edgeq_add_two(s, edgeq_odd_bytes(inputs), *k, step + 1);
        }
    }
    return s;
}

static inline edgeq_units edgeq_add_first_eights(uint32_t *begin, const int8_t *x, const int8_t *end, const int32_t **k)
{
    int32_t sum = 0;
    const int8_t *at;
    edgeq_units s;

    for (at = x; at != end; ++at) {
        sum += *at;
    }
    *begin = 0u - (uint32_t)EDGEQ_LESS * (uint32_t)sum;
    s.ab = *begin;
    s.cd = *begin;
    return edgeq_add_eights(s, x, end, k);
}
#endif

/* The last eight inputs where their number is no multiple of eight, those of the last whole eight set to 0. */
static inline const int8_t *edgeq_keep_rest(const int8_t *x, int32_t depth, uint32_t kept[2])
{
    const uint32_t rest = 8u * ((uint32_t)depth & 7u);
    const uint32_t second = edgeq_load_s8x4(x + depth - 4);

    kept[0] = 0;
    kept[1] = second;
    if (rest > 32u) {
        kept[0] = edgeq_load_s8x4(x + depth - 8) & ~0u << (64u - rest);
    } else {
        kept[1] = second & ~0u << (32u - rest);
    }
    return (const int8_t *)kept;
}

static inline edgeq_channel_quant edgeq_quant_at(const int32_t *k)
{
    return edgeq_next_quant(&k);
}

/* A batch of eight inputs and four units and more whose sums fit at once. */
static inline __attribute__((always_inline)) void edgeq_all_units(const int8_t *x, int32_t depth, int32_t kind,
                                                                  const int32_t *k, int8_t *y, int32_t units)
{
    const int8_t *const whole = x + (depth & ~7);
    const int8_t *tail = NULL;
    int8_t *const last = y + units - 4;
    uint32_t begin, kept[2];
    edgeq_units s = edgeq_add_first_eights(&begin, x, whole, &k);

    if ((depth & 7) != 0) {
        uint32_t more;
        edgeq_units rest;

        tail = edgeq_keep_rest(x, depth, kept);
        rest = edgeq_add_first_eights(&more, tail, tail + 8, &k);
        begin += more;
        s.ab += rest.ab;
        s.cd += rest.cd;
    }
    for (;;) {
        int32_t a, b, c, d;

        a = edgeq_narrow_first(s.ab);
        b = edgeq_narrow_second(s.ab, a);
        c = edgeq_narrow_first(s.cd);
        d = edgeq_narrow_second(s.cd, c);
        if (kind == TWO_WORDS) {
            y[0] = edgeq_finish_two_words_s8(a, edgeq_next_pair(&k));
            y[1] = edgeq_finish_two_words_s8(b, edgeq_next_pair(&k));
            y[2] = edgeq_finish_two_words_s8(c, edgeq_next_pair(&k));
            y[3] = edgeq_finish_two_words_s8(d, edgeq_next_pair(&k));
        } else {
            const edgeq_word_pair of_ab = edgeq_next_pair(&k);
            const edgeq_word_pair of_cd = edgeq_next_pair(&k);
            y[0] = (int8_t)edgeq_finish_either_s8((int32_t)of_ab.first + (a >> EDGEQ_FIRST_TWICE), edgeq_next_quant(&k));
            y[1] = (int8_t)edgeq_finish_either_s8((int32_t)of_ab.second + (b >> 13), edgeq_next_quant(&k));
            y[2] = (int8_t)edgeq_finish_either_s8((int32_t)of_cd.first + (c >> EDGEQ_FIRST_TWICE), edgeq_next_quant(&k));
            y[3] = (int8_t)edgeq_finish_either_s8((int32_t)of_cd.second + (d >> 13), edgeq_next_quant(&k));
        }
        if (y == last) {
            return;
        }
        /* The last record is of the last four units: it may compute some again. */
        y = last - y < 4 ? last : y + 4;
        s.ab = begin;
        s.cd = begin;
        s = edgeq_add_eights(s, x, whole, &k);
        if (tail != NULL) {
            s = edgeq_add_eights(s, tail, tail + 8, &k);
        }
    }
}

static EDGEQ_NOINLINE void edgeq_units_by_two_words(const int8_t *x, int32_t depth, const int32_t *k, int8_t *y,
                                                    int32_t units)
{
    edgeq_all_units(x, depth, TWO_WORDS, k, y, units);
}

static EDGEQ_NOINLINE void edgeq_units_by_three_words(const int8_t *x, int32_t depth, const int32_t *k, int8_t *y,
                                                      int32_t units)
{
    edgeq_all_units(x, depth, THREE_WORDS, k, y, units);
}

static inline void edgeq_add_pair(uint32_t joint, int32_t *first, int32_t *second)
{
    const int32_t shifted = edgeq_narrow_first(joint);
    *first += shifted >> (EDGEQ_FIRST_TWICE + 1);
    *second += edgeq_narrow_second(joint, shifted) >> 14;
}

/* A batch of as many, with pieces of `size` inputs, the last one shorter, after each of which sums are taken down. */
static EDGEQ_NOINLINE void edgeq_units_by_pieces(int32_t size, const int8_t *x, int32_t depth, const int32_t *k, int8_t *y,
                                                 int32_t units)
{
    const int8_t *const whole = x + (depth & ~7);
    int8_t *const last = y + units - 4;
    const int8_t *tail = NULL;
    uint32_t begin[PIECES]; /* what sums of a piece begin with */
    uint32_t begin_tail = 0;
    uint32_t kept[2];
    bool is_first = true;

    if ((depth & 7) != 0) {
        tail = edgeq_keep_rest(x, depth, kept);
    }
    for (;;) {
        const int8_t *from = x;
        uint32_t *at = begin;
        int32_t a = 0, b = 0, c = 0, d = 0;

        for (;;) {
            const int8_t *const to = whole - from < size ? whole : from + size;
            edgeq_units s;

            if (is_first) {
                s = edgeq_add_first_eights(at, from, to, &k);
            } else {
                s.ab = *at;
                s.cd = *at;
                s = edgeq_add_eights(s, from, to, &k);
            }
            if (to == whole && tail != NULL) {
                /* What does not fill a word belongs to the last piece, or is one by itself. */
                if (to - from == size) {
                    edgeq_add_pair(s.ab, &a, &b);
                    edgeq_add_pair(s.cd, &c, &d);
                    s.ab = 0;
                    s.cd = 0;
                }
                if (is_first) {
                    const edgeq_units rest = edgeq_add_first_eights(&begin_tail, tail, tail + 8, &k);

                    s.ab += rest.ab;
                    s.cd += rest.cd;
                } else {
                    s.ab += begin_tail;
                    s.cd += begin_tail;
                    s = edgeq_add_eights(s, tail, tail + 8, &k);
                }
            }
            edgeq_add_pair(s.ab, &a, &b);
            edgeq_add_pair(s.cd, &c, &d);
            if (to == whole) {
                break;
            }
            from = to;
            ++at;
        }
        is_first = false;
        y[0] = (int8_t)edgeq_finish_either_s8(2 * a + k[0], edgeq_quant_at(k + 4));
        y[1] = (int8_t)edgeq_finish_either_s8(2 * b + k[1], edgeq_quant_at(k + 7));
        y[2] = (int8_t)edgeq_finish_either_s8(2 * c + k[2], edgeq_quant_at(k + 10));
        y[3] = (int8_t)edgeq_finish_either_s8(2 * d + k[3], edgeq_quant_at(k + 13));
        k += 16;
        if (y == last) {
            return;
        }
        y = last - y < 4 ? last : y + 4;
    }
}

/* A batch of eight inputs and four units and more. */
static inline void edgeq_whole_batch(const int8_t *x, int32_t depth, const int32_t *packed, int8_t *y, int32_t units)
{
    if (packed[0] > 0) {
        edgeq_units_by_pieces(packed[0], x, depth, packed + 1, y, units);
    } else if (packed[0] == TWO_WORDS) {
        edgeq_units_by_two_words(x, depth, packed + 1, y, units);
    } else {
        edgeq_units_by_three_words(x, depth, packed + 1, y, units);
    }
}

/* Fewer than eight inputs, filled up with zeros. */
static inline const int8_t *edgeq_fill_eight(const int8_t *x, int32_t depth, uint32_t filled[2])
{
    filled[0] = 0;
    filled[1] = 0;
    if (depth < 4) {
        memcpy(filled, x, (size_t)depth);
    } else {
        filled[0] = edgeq_load_s8x4(x);
        if (depth > 4) {
            filled[1] = edgeq_load_s8x4(x + depth - 4) >> 8 * (8 - depth);
        }
    }
    return (const int8_t *)filled;
}

/* Any batch; fewer than four units are a record of four. */
static inline void edgeq_any_batch(const int8_t *x, int32_t depth, const int32_t *packed, int8_t *y, int32_t units)
{
    uint32_t filled[2];
    int8_t few[4];

    if (depth < 8) {
        x = edgeq_fill_eight(x, depth, filled);
        depth = 8;
    }
    if (units >= 4) {
        edgeq_whole_batch(x, depth, packed, y, units);
    } else {
        edgeq_whole_batch(x, depth, packed, few, 4);
        memcpy(y, few, (size_t)units);
    }
}

static inline __attribute__((always_inline)) arm_cmsis_nn_status edgeq_fully_connected_narrow(
    const cmsis_nn_fc_params *fc_params, const cmsis_nn_dims *input_dims, const int8_t *input_data,
    const cmsis_nn_dims *filter_dims, const int32_t *packed, const cmsis_nn_dims *output_dims, int8_t *output_data)
{
    const int32_t units = output_dims->c;
    const int32_t depth = filter_dims->n;
    const int32_t low = fc_params->activation.min;
    const int32_t high = fc_params->activation.max;
    const bool is_usual = depth >= 8 && units >= 4;
    int32_t batch, i;

    if (input_dims->n < 1 || depth < 1 || units < 1 || (packed[0] > 0 && depth > PIECES * packed[0])) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch, input_data += depth, output_data += units) {
        if (is_usual) {
            edgeq_whole_batch(input_data, depth, packed, output_data, units);
        } else {
            edgeq_any_batch(input_data, depth, packed, output_data, units);
        }
        if (low > -128 || high < 127) {
            for (i = 0; i < units; ++i) {
                output_data[i] = (int8_t)edgeq_clamp(output_data[i], low, high);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
