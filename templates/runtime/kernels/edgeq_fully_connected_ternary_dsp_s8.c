/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected layer with ternary weights for cores with the DSP extension, four units at a time.
 *
 * A word of weights holds eight of two units, as edgeq_convolve_ternary_dsp_s8.c explains. Here the lower field stays the
 * weight plus 1, and the sum of the inputs, found beforehand, is taken off. Eight inputs of four units, 32 MACs, cost 23
 * instructions: one LDRD of weights, two LDR of inputs, four SXTB16, eight AND, eight SMLAD. The input's offset is part of
 * the bias. Fewer inputs than eight are filled up with zeros.
 */
#include <string.h>

#include "edgeq_dsp.h"
#include "edgeq_kernels_narrow.h"
#include "edgeq_window.h"

#define FIELDS 0xc003c003u
/* The table's first number: what requantizes sums that fit their bits, or after how many inputs they are taken down. */
enum { THREE_WORDS = -1, TWO_WORDS = 0 };
/* A piece has at least 56 inputs: no more fill 14 bits. */
#define EDGEQ_TERNARY_PIECES 64

/* Of units (a, b) and (c, d) 2^14 times the sum of the second plus that of the first. */
typedef struct {
    uint32_t ab, cd;
} sums;

#if defined(__ARM_FEATURE_DSP)
#define FOUR(turn_even, turn_odd)                                  \
    "ldr %[odd], [%[x]], #4\n\t"                                   \
    "sxtb16 %[even], %[odd]\n\t"                                   \
    "sxtb16 %[odd], %[odd], ror #8\n\t"                            \
    "and %[w], %[fields], %[p]" turn_even "\n\t"                   \
    "smlad %[ab], %[even], %[w], %[ab]\n\t"                        \
    "and %[w], %[fields], %[p]" turn_odd "\n\t"                    \
    "smlad %[ab], %[odd], %[w], %[ab]\n\t"                         \
    "and %[w], %[fields], %[q]" turn_even "\n\t"                   \
    "smlad %[cd], %[even], %[w], %[cd]\n\t"                        \
    "and %[w], %[fields], %[q]" turn_odd "\n\t"                    \
    "smlad %[cd], %[odd], %[w], %[cd]\n\t"

/* Adds the products of the inputs from x to `end`, a multiple of eight above 0, and moves *k past them. */
static inline sums add_eights(sums s, const int8_t *x, const int8_t *end, const int32_t **k)
{
    const int32_t *at = *k;
    uint32_t even, odd, w, p, q;

    __asm__("1:\n\t"
            "ldrd %[p], %[q], [%[k]], #8\n\t" FOUR("", ", ror #4") FOUR(", ror #8", ", ror #12")
            "cmp %[x], %[end]\n\t"
            "bne 1b"
            : [ab] "+r"(s.ab), [cd] "+r"(s.cd), [x] "+r"(x), [k] "+r"(at), [even] "=&r"(even), [odd] "=&r"(odd),
              [w] "=&r"(w), [p] "=&r"(p), [q] "=&r"(q)
            : [fields] "r"(FIELDS), [end] "r"(end)
            : "cc", "memory");
    *k = at;
    return s;
}

/* The sum of the inputs from x to `end`, a multiple of eight above 0. */
static inline int32_t sum_of(const int8_t *x, const int8_t *end)
{
    int32_t sum = -128 * (int32_t)(end - x);

    do {
        const uint32_t first = edgeq_load_s8x4(x) ^ 0x80808080u;
        const uint32_t second = edgeq_load_s8x4(x + 4) ^ 0x80808080u;
        __asm__("usada8 %0, %1, %3, %0\n\t"
                "usada8 %0, %2, %3, %0"
                : "+&r"(sum)
                : "r"(first), "r"(second), "r"(0));
        x += 8;
    } while (x != end);
    return sum;
}
#else
static inline uint32_t field(uint32_t eight, uint32_t turn)
{
    return (eight >> turn | eight << ((32u - turn) & 31u)) & FIELDS;
}

static inline sums add_eights(sums s, const int8_t *x, const int8_t *end, const int32_t **k)
{
    uint32_t turn;

    while (x != end) {
        const edgeq_word_pair w = edgeq_next_pair(k);
        for (turn = 0; turn < 16; turn += 8, x += 4) {
            const uint32_t inputs = edgeq_load_s8x4(x);
            const uint32_t even = edgeq_even_bytes(inputs);
            const uint32_t odd = edgeq_odd_bytes(inputs);
            s.ab = edgeq_mac_both_wrapping(even, field(w.first, turn), s.ab);
            s.ab = edgeq_mac_both_wrapping(odd, field(w.first, turn + 4), s.ab);
            s.cd = edgeq_mac_both_wrapping(even, field(w.second, turn), s.cd);
            s.cd = edgeq_mac_both_wrapping(odd, field(w.second, turn + 4), s.cd);
        }
    }
    return s;
}

static inline int32_t sum_of(const int8_t *x, const int8_t *end)
{
    int32_t sum = 0;

    while (x != end) {
        sum += *x++;
    }
    return sum;
}
#endif

/* The sum of the first of two units times 2^18, and that of the second times 2^14. */
static inline int32_t first_of(uint32_t joint)
{
    return edgeq_wrap_s32(joint << 18);
}

static inline int32_t second_of(uint32_t joint, int32_t first)
{
    return edgeq_wrap_s32(joint - (uint32_t)(first >> 18));
}

static inline edgeq_channel_quant quant_at(const int32_t *k)
{
    return edgeq_next_quant(&k);
}

/* A batch of eight inputs and four units and more whose sums fit at once. */
static inline __attribute__((always_inline)) void all_units(const int8_t *x, int32_t depth, int32_t kind, const int32_t *k,
                                                            int8_t *y, int32_t units)
{
    const int8_t *const whole = x + (depth & ~7);
    /* The last eight inputs; weights of those that have been counted are 0. */
    const int8_t *const tail = x + depth - 8;
    int8_t *const last = y + units - 4;
    /* The sum of the first of two units lies lowest. */
    uint32_t begin = 0u - (uint32_t)sum_of(x, whole);

    if ((depth & 7) != 0) {
        begin -= (uint32_t)sum_of(tail, tail + 8);
    }
    for (;;) {
        sums s = {begin, begin};
        int32_t a, b, c, d;

        s = add_eights(s, x, whole, &k);
        if (whole != tail + 8) {
            s = add_eights(s, tail, tail + 8, &k);
        }
        a = first_of(s.ab);
        b = second_of(s.ab, a);
        c = first_of(s.cd);
        d = second_of(s.cd, c);
        if (kind == TWO_WORDS) {
            y[0] = edgeq_finish_two_words_s8(a, edgeq_next_pair(&k));
            y[1] = edgeq_finish_two_words_s8(b, edgeq_next_pair(&k));
            y[2] = edgeq_finish_two_words_s8(c, edgeq_next_pair(&k));
            y[3] = edgeq_finish_two_words_s8(d, edgeq_next_pair(&k));
        } else {
            const edgeq_word_pair of_ab = edgeq_next_pair(&k);
            const edgeq_word_pair of_cd = edgeq_next_pair(&k);
            y[0] = (int8_t)edgeq_finish_either_s8((int32_t)of_ab.first + (a >> 17), edgeq_next_quant(&k));
            y[1] = (int8_t)edgeq_finish_either_s8((int32_t)of_ab.second + (b >> 13), edgeq_next_quant(&k));
            y[2] = (int8_t)edgeq_finish_either_s8((int32_t)of_cd.first + (c >> 17), edgeq_next_quant(&k));
            y[3] = (int8_t)edgeq_finish_either_s8((int32_t)of_cd.second + (d >> 13), edgeq_next_quant(&k));
        }
        if (y == last) {
            return;
        }
        /* The last record is of the last four units: it may compute some again. */
        y = last - y < 4 ? last : y + 4;
    }
}

static EDGEQ_NOINLINE void units_by_two_words(const int8_t *x, int32_t depth, const int32_t *k, int8_t *y, int32_t units)
{
    all_units(x, depth, TWO_WORDS, k, y, units);
}

static EDGEQ_NOINLINE void units_by_three_words(const int8_t *x, int32_t depth, const int32_t *k, int8_t *y, int32_t units)
{
    all_units(x, depth, THREE_WORDS, k, y, units);
}

static inline void add_pair(uint32_t joint, int32_t *first, int32_t *second)
{
    const int32_t shifted = first_of(joint);
    *first += shifted >> 18;
    *second += second_of(joint, shifted) >> 14;
}

/* Pieces of the inputs, the last one shorter, after each of which sums are taken down. */
typedef struct {
    int32_t size;
    int32_t count;
    uint32_t begin[EDGEQ_TERNARY_PIECES]; /* what sums of a piece begin with */
    uint32_t begin_tail;
} pieces;

/* Up to the last unit, whose results are at `last` and behind; tail: eight inputs that do not fill a word, or NULL. */
static EDGEQ_NOINLINE void units_by_pieces(const pieces *v, const int8_t *x, const int8_t *whole,
                                           const int8_t *tail, const int32_t *k, int8_t *y, int8_t *last)
{
    const uint32_t *const begin_end = v->begin + v->count;

    for (;;) {
        const int8_t *from = x;
        const uint32_t *begin;
        int32_t a = 0, b = 0, c = 0, d = 0;

        for (begin = v->begin; begin != begin_end; ++begin) {
            const int8_t *const to = whole - from < v->size ? whole : from + v->size;
            sums s = {*begin, *begin};

            s = add_eights(s, from, to, &k);
            from = to;
            add_pair(s.ab, &a, &b);
            add_pair(s.cd, &c, &d);
        }
        if (tail != NULL) {
            sums s = {v->begin_tail, v->begin_tail};

            s = add_eights(s, tail, tail + 8, &k);
            add_pair(s.ab, &a, &b);
            add_pair(s.cd, &c, &d);
        }
        y[0] = (int8_t)edgeq_finish_either_s8(2 * a + k[0], quant_at(k + 4));
        y[1] = (int8_t)edgeq_finish_either_s8(2 * b + k[1], quant_at(k + 7));
        y[2] = (int8_t)edgeq_finish_either_s8(2 * c + k[2], quant_at(k + 10));
        y[3] = (int8_t)edgeq_finish_either_s8(2 * d + k[3], quant_at(k + 13));
        k += 16;
        if (y == last) {
            return;
        }
        y = last - y < 4 ? last : y + 4;
    }
}

/* A batch of as many whose sums have to be taken down after `size` inputs, or whose requantization takes three words. */
static EDGEQ_NOINLINE bool by_pieces(int32_t size, const int8_t *x, int32_t depth, const int32_t *k, int8_t *y,
                                     int32_t units)
{
    const int8_t *const whole = x + (depth & ~7);
    const int8_t *const tail = (depth & 7) != 0 ? x + depth - 8 : NULL;
    const int8_t *from = x;
    pieces v;

    v.size = size;
    v.count = 0;
    v.begin_tail = 0;
    while (from != whole) {
        const int8_t *const to = whole - from < size ? whole : from + size;
        if (v.count == EDGEQ_TERNARY_PIECES) {
            return false;
        }
        v.begin[v.count++] = 0u - (uint32_t)sum_of(from, to);
        from = to;
    }
    if (tail != NULL) {
        v.begin_tail = 0u - (uint32_t)sum_of(tail, tail + 8);
    }
    units_by_pieces(&v, x, whole, tail, k, y, y + units - 4);
    return true;
}

/* A batch of eight inputs and four units and more. */
static inline bool whole_batch(const int8_t *x, int32_t depth, const int32_t *packed, int8_t *y, int32_t units)
{
    if (packed[0] > 0) {
        return by_pieces(packed[0], x, depth, packed + 1, y, units);
    }
    if (packed[0] == TWO_WORDS) {
        units_by_two_words(x, depth, packed + 1, y, units);
    } else {
        units_by_three_words(x, depth, packed + 1, y, units);
    }
    return true;
}

/* Any batch: fewer than eight inputs are filled up with zeros, fewer than four units are a record of four. */
static bool filled_batch(const int8_t *x, int32_t depth, const int32_t *packed, int8_t *y, int32_t units)
{
    int8_t filled[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    int8_t few[4];

    if (depth < 8) {
        memcpy(filled, x, (size_t)depth);
        x = filled;
        depth = 8;
    }
    if (units >= 4) {
        return whole_batch(x, depth, packed, y, units);
    }
    if (!whole_batch(x, depth, packed, few, 4)) {
        return false;
    }
    memcpy(y, few, (size_t)units);
    return true;
}

arm_cmsis_nn_status edgeq_fully_connected_ternary_dsp_s8(const cmsis_nn_fc_params *fc_params,
                                                         const cmsis_nn_dims *input_dims,
                                                         const int8_t *input_data,
                                                         const cmsis_nn_dims *filter_dims,
                                                         const int32_t *packed,
                                                         const cmsis_nn_dims *output_dims,
                                                         int8_t *output_data)
{
    const int32_t units = output_dims->c;
    const int32_t depth = filter_dims->n;
    const int32_t low = fc_params->activation.min;
    const int32_t high = fc_params->activation.max;
    const bool is_usual = depth >= 8 && units >= 4;
    int32_t batch, i;

    if (input_dims->n < 1 || depth < 1 || units < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch, input_data += depth, output_data += units) {
        if (!(is_usual ? whole_batch(input_data, depth, packed, output_data, units)
                       : filled_batch(input_data, depth, packed, output_data, units))) {
            return ARM_CMSIS_NN_ARG_ERROR;
        }
        if (low > -128 || high < 127) {
            for (i = 0; i < units; ++i) {
                output_data[i] = (int8_t)edgeq_clamp(output_data[i], low, high);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
