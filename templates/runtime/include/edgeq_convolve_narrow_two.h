/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of few channels with ternary or binary weights (EDGEQ_WEIGHT_BITS) for cores with the DSP extension: two
 * output pixels by two channels at a time, read as edgeq_by_two.h says.
 *
 * Words of weights are those of edgeq_narrow_fields.h, of every row of a window by themselves: its steps are the last of
 * its words. Four input bytes of both pixels and both channels, 16 MACs, cost 14 instructions: two LDR, four SXTB16, two
 * AND, two SSUB16, four SMLAD. A row that is no multiple of four begins with a word of which only the bytes that are too
 * many count.
 */
#ifndef EDGEQ_CONVOLVE_NARROW_TWO_H
#define EDGEQ_CONVOLVE_NARROW_TWO_H

#include "edgeq_by_two.h"
#include "edgeq_narrow_fields.h"

/*
 * The table's first number: requantization in two words; in three, with factors below a half or any; in three for any, of
 * sums that are taken down after each row.
 */
enum { TWO_WORDS, FACTORS_BELOW_HALF, ANY_FACTORS, ROW_BY_ROW };

/* What all rows have in common. */
typedef struct {
    int32_t skipped; /* steps of the first word that are not the row's */
    int32_t tail;    /* bytes that make no four */
    int32_t whole;
} edgeq_row;

/* Of both pixels 2^14 times the sum of b x plus that of a x. */
typedef struct {
    uint32_t of0, of1;
} edgeq_two;

/* The products of two inputs of each pixel. */
static inline edgeq_two edgeq_add_step(edgeq_two s, uint32_t inputs0, uint32_t inputs1, uint32_t word, int32_t step)
{
    const uint32_t w = edgeq_sub_lanes(edgeq_narrow_step(word, step), EDGEQ_LESS_LANES);

    s.of0 = edgeq_mac_both_wrapping(inputs0, w, s.of0);
    s.of1 = edgeq_mac_both_wrapping(inputs1, w, s.of1);
    return s;
}

static inline edgeq_two edgeq_add_word(edgeq_two s, uint32_t bytes0, uint32_t bytes1, uint32_t word, int32_t step)
{
    s = edgeq_add_step(s, edgeq_even_bytes(bytes0), edgeq_even_bytes(bytes1), word, step);
    return edgeq_add_step(s, edgeq_odd_bytes(bytes0), edgeq_odd_bytes(bytes1), word, step + 1);
}

#if defined(__ARM_FEATURE_DSP)
#define BYTES(turn_even, turn_odd)                               \
    "ldr %[p], [%[x0]], #4\n\t"                                  \
    "ldr %[q], [%[x1]], #4\n\t"                                  \
    "and %[w], %[fields], %[word]" turn_even "\n\t"              \
    "ssub16 %[w], %[w], %[less]\n\t"                             \
    "sxtb16 %[even], %[p]\n\t"                                   \
    "smlad %[of0], %[even], %[w], %[of0]\n\t"                    \
    "sxtb16 %[even], %[q]\n\t"                                   \
    "smlad %[of1], %[even], %[w], %[of1]\n\t"                    \
    "and %[w], %[fields], %[word], ror #" turn_odd "\n\t"        \
    "ssub16 %[w], %[w], %[less]\n\t"                             \
    "sxtb16 %[p], %[p], ror #8\n\t"                              \
    "smlad %[of0], %[p], %[w], %[of0]\n\t"                       \
    "sxtb16 %[q], %[q], ror #8\n\t"                              \
    "smlad %[of1], %[q], %[w], %[of1]\n\t"
#if EDGEQ_WEIGHT_BITS == 1
#define ALL_BYTES BYTES("", "4") BYTES(", ror #8", "12") BYTES(", ror #1", "5") BYTES(", ror #9", "13")
#else
#define ALL_BYTES BYTES("", "4") BYTES(", ror #8", "12")
#endif
/* From 1 on to the first step that is to be done. */
#define SKIPPED_BYTES(steps) (2 + 28 * (steps))

#define OPERANDS                                                                                                      \
    : [of0] "+r"(s.of0), [of1] "+r"(s.of1), [x0] "+r"(x0), [x1] "+r"(x1), [k] "+r"(at), [word] "+r"(word), [w] "=&r"(w), \
      [even] "=&r"(even), [p] "=&r"(p), [q] "=&r"(q), [end] "+m"(end)                                                 \
    : [fields] "r"(EDGEQ_FIELDS), [less] "r"(EDGEQ_LESS_LANES), [skip] "m"(skip)

/* `count` bytes of each pixel, a multiple of four above 0, from a step of the first word on; *k is behind that word. */
static inline edgeq_two edgeq_add_bytes(edgeq_two s, const int8_t *x0, const int8_t *x1, int32_t count, uint32_t word,
                                        int32_t step, const int32_t **k)
{
    const int8_t *end = x0 + count;
    const int32_t skip = SKIPPED_BYTES(step);
    const int32_t *at = *k;
    uint32_t w, even, p, q;

    __asm__("ldr %[w], %[skip]\n\t"
            "add pc, %[w]\n"
            "1:\n\t"
            "ldr %[word], [%[k]], #4\n\t" ALL_BYTES
            "ldr %[w], %[end]\n\t"
            "cmp %[x0], %[w]\n\t"
            "bne 1b" OPERANDS
            : "cc", "memory");
    *k = at;
    return s;
}

/* All rows of windows, of fours of bytes. */
static inline edgeq_two edgeq_add_rows(edgeq_two s, const edgeq_window_rows *v, const edgeq_row *r, const int8_t *x0,
                                       const int8_t *x1, int32_t pitch, const int32_t **k)
{
    const int8_t *end = x0 + r->whole;
    const int8_t *const last = end + (v->rows - 1) * pitch;
    const int32_t skip = SKIPPED_BYTES(r->skipped);
    const int32_t gap = pitch - r->whole;
    const int32_t *at = *k;
    uint32_t word = 0, w, even, p, q;

    __asm__("0:\n\t"
            "ldr %[w], %[skip]\n\t"
            "ldr %[word], [%[k]], #4\n\t"
            "add pc, %[w]\n"
            "1:\n\t"
            "ldr %[word], [%[k]], #4\n\t" ALL_BYTES
            "ldr %[w], %[end]\n\t"
            "cmp %[x0], %[w]\n\t"
            "bne 1b\n\t"
            "ldr %[q], %[last]\n\t"
            "ldr %[p], %[gap]\n\t"
            "cmp %[w], %[q]\n\t"
            "beq 2f\n\t"
            "ldr %[q], %[pitch]\n\t"
            "add %[x0], %[x0], %[p]\n\t"
            "add %[x1], %[x1], %[p]\n\t"
            "add %[w], %[w], %[q]\n\t"
            "str %[w], %[end]\n\t"
            "b 0b\n"
            "2:" OPERANDS, [last] "m"(last), [gap] "m"(gap), [pitch] "m"(pitch)
            : "cc", "memory");
    *k = at;
    return s;
}
#else
static inline edgeq_two edgeq_add_bytes(edgeq_two s, const int8_t *x0, const int8_t *x1, int32_t count, uint32_t word,
                                        int32_t step, const int32_t **k)
{
    const int8_t *const end = x0 + count;

    for (; x0 != end; x0 += 4, x1 += 4, step += 2) {
        if (step == EDGEQ_STEPS) {
            step = 0;
            word = (uint32_t)*(*k)++;
        }
        s = edgeq_add_word(s, edgeq_load_s8x4(x0), edgeq_load_s8x4(x1), word, step);
    }
    return s;
}
#endif

static inline edgeq_two edgeq_add_row(edgeq_two s, const edgeq_row *r, const int8_t *x0, const int8_t *x1,
                                      const int32_t **k)
{
    const uint32_t word = (uint32_t)*(*k)++;

    if (r->tail == 0) {
        return edgeq_add_bytes(s, x0, x1, r->whole, word, r->skipped, k);
    }
    const uint32_t mask = ~0u >> (32 - 8 * r->tail);
    s = edgeq_add_word(s, edgeq_load_s8x4(x0) & mask, edgeq_load_s8x4(x1) & mask, word, r->skipped);
    return edgeq_add_bytes(s, x0 + r->tail, x1 + r->tail, r->whole, word, r->skipped + 2, k);
}

#if !defined(__ARM_FEATURE_DSP)
static inline edgeq_two edgeq_add_rows(edgeq_two s, const edgeq_window_rows *v, const edgeq_row *r, const int8_t *x0,
                                       const int8_t *x1, int32_t pitch, const int32_t **k)
{
    int32_t row;

    for (row = v->rows; row > 0; --row, x0 += pitch, x1 += pitch) {
        s = edgeq_add_row(s, r, x0, x1, k);
    }
    return s;
}
#endif

/* Sums of both channels, of one pixel. */
typedef struct {
    int32_t a, b;
} edgeq_channels;

static inline edgeq_channels edgeq_taken_down(edgeq_channels d, uint32_t joint)
{
    const int32_t a = edgeq_narrow_first(joint);

    d.a += a >> EDGEQ_FIRST_TWICE;
    d.b += edgeq_narrow_second(joint, a) >> 13;
    return d;
}

/* Their results by three words each. */
static inline void edgeq_put_two(int32_t kind, edgeq_channels d, edgeq_word_pair bias, const edgeq_channel_quant quant[2],
                                 int8_t *y)
{
    d.a += (int32_t)bias.first;
    d.b += (int32_t)bias.second;
    if (kind == FACTORS_BELOW_HALF) {
        y[0] = (int8_t)edgeq_finish_s8(d.a, quant[0]);
        y[1] = (int8_t)edgeq_finish_s8(d.b, quant[1]);
    } else {
        y[0] = (int8_t)edgeq_finish_either_s8(d.a, quant[0]);
        y[1] = (int8_t)edgeq_finish_either_s8(d.b, quant[1]);
    }
}

/* Two pixels by the table's next record, which is passed. */
static inline __attribute__((always_inline)) void edgeq_convolve_record(const edgeq_window_rows *v, const edgeq_row *r,
                                                                        int32_t kind, const int8_t *x0, const int8_t *x1,
                                                                        int32_t pitch, const int32_t **k, int8_t *y0,
                                                                        int8_t *y1)
{
    edgeq_two s = {0, 0};
    edgeq_channels first = {0, 0}, second = {0, 0};
    int32_t row;

    if (r->tail == 0 && kind != ROW_BY_ROW) {
        s = edgeq_add_rows(s, v, r, x0, x1, pitch, k);
    } else {
        for (row = v->rows; row > 0; --row, x0 += pitch, x1 += pitch) {
            s = edgeq_add_row(s, r, x0, x1, k);
            if (kind == ROW_BY_ROW && row > 1) {
                first = edgeq_taken_down(first, s.of0);
                second = edgeq_taken_down(second, s.of1);
                s.of0 = 0;
                s.of1 = 0;
            }
        }
    }
    if (kind == TWO_WORDS) {
        const edgeq_word_pair of_a = edgeq_next_pair(k);
        const edgeq_word_pair of_b = edgeq_next_pair(k);
        const int32_t a0 = edgeq_narrow_first(s.of0);
        const int32_t a1 = edgeq_narrow_first(s.of1);

        y0[0] = edgeq_finish_two_words_s8(a0, of_a);
        y0[1] = edgeq_finish_two_words_s8(edgeq_narrow_second(s.of0, a0), of_b);
        y1[0] = edgeq_finish_two_words_s8(a1, of_a);
        y1[1] = edgeq_finish_two_words_s8(edgeq_narrow_second(s.of1, a1), of_b);
    } else {
        const edgeq_word_pair bias = edgeq_next_pair(k);
        const edgeq_channel_quant of_a = edgeq_next_quant(k);
        const edgeq_channel_quant quant[2] = {of_a, edgeq_next_quant(k)};

        edgeq_put_two(kind, edgeq_taken_down(first, s.of0), bias, quant, y0);
        edgeq_put_two(kind, edgeq_taken_down(second, s.of1), bias, quant, y1);
    }
}

/* All channels of two pixels by one kind of record; the last is of the last two, so that it may compute one again. */
static inline __attribute__((always_inline)) void edgeq_convolve_records(const edgeq_window_rows *v, int32_t kind,
                                                                         const int8_t *x0, const int8_t *x1, int32_t pitch,
                                                                         const int32_t *k, int8_t *y0, int8_t *y1)
{
    const int32_t tail = v->bytes & 3;
    const edgeq_row r = {-((v->bytes + 3) / 4 * 2) & (EDGEQ_STEPS - 1), tail, v->bytes - tail};
    int32_t left = v->channels;

    for (;;) {
        edgeq_convolve_record(v, &r, kind, x0, x1, pitch, &k, y0, y1);
        left -= 2;
        if (left <= 0) {
            return;
        }
        y0 += left == 1 ? 1 : 2;
        y1 += left == 1 ? 1 : 2;
    }
}

/* Limits narrower than int8. */
static EDGEQ_NOINLINE void edgeq_limit_two(const edgeq_window_rows *v, int8_t *y0, int8_t *y1)
{
    int32_t c;

    for (c = 0; c < v->channels; ++c) {
        y0[c] = (int8_t)edgeq_clamp(y0[c], v->low, v->high);
        y1[c] = (int8_t)edgeq_clamp(y1[c], v->low, v->high);
    }
}

static EDGEQ_NOINLINE void edgeq_convolve_narrow_two(const edgeq_window_rows *v, const int8_t *x0, const int8_t *x1,
                                                     int32_t pitch, const int32_t *packed, int8_t *y0, int8_t *y1)
{
    if (packed[0] == TWO_WORDS) {
        edgeq_convolve_records(v, TWO_WORDS, x0, x1, pitch, packed + 1, y0, y1);
    } else if (packed[0] == ROW_BY_ROW) {
        edgeq_convolve_records(v, ROW_BY_ROW, x0, x1, pitch, packed + 1, y0, y1);
    } else {
        edgeq_convolve_records(v, packed[0], x0, x1, pitch, packed + 1, y0, y1);
    }
    if (v->is_limited) {
        edgeq_limit_two(v, y0, y1);
    }
}

#endif
