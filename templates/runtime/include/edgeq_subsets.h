/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of weights of one or two bits without a multiplication, for cores without the DSP extension; see edgeq's
 * kernels/subsets.py for the table and why it is exact.
 *
 * Of every four inputs of two images, X = x0 + x1 * 2^16 modulo 2^32 each, the sums of all subsets are written first: 16
 * words, word i the sum of those X whose bit is set in i. Then four weights of a channel are one look-up, for both images.
 */
#ifndef EDGEQ_SUBSETS_H
#define EDGEQ_SUBSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arm_nn_types.h"
#include "edgeq_copy.h"
#include "edgeq_finish.h"
#include "edgeq_finish_short.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_subset_rows.h"
#include "edgeq_subset_tables.h"
#include "edgeq_window.h"

/* Groups of a chunk, whose sums fit 16 bits: there is room for the tables of so many. */
#define EDGEQ_SUBSETS_PER_CHUNK 40

/* 2^15 for each of two images. */
#define EDGEQ_SUBSETS_FIRST 0x80008000u

/* How results are had: by edgeq_requantize; by edgeq_finish; by edgeq_finish_short; and for large factors by the same with
 * 64-bit products of sums shifted to the left by so many bits, or with four words and saturation. */
#define EDGEQ_LARGE 8
enum { EDGEQ_BY_ANY, EDGEQ_BY_FINISH, EDGEQ_BY_SHORT, EDGEQ_BY_LARGE };

/* A layer, but for its inputs. */
typedef struct {
    const int32_t *packed; /* the weights, then the channels' biases and words of requantization */
    edgeq_finishing finishing;
    int32_t kind; /* of requantization */
    int32_t output_offset;
    int32_t channels;
    int32_t groups;         /* of a window */
    edgeq_subset_rows rows; /* of one chunk */
    uint32_t *sums;         /* a word per channel, an even number: of both images, 2^15 added to each */
    int32_t *total;         /* two words per channel where a window has several chunks: what those before made */
} edgeq_subset_layer;

/* Where the inputs of two windows are: runs of groups. */
typedef struct {
    const int8_t *x0;
    const int8_t *x1;
    int32_t left; /* groups of this run */
    int32_t run;  /* groups of the others */
    int32_t skip; /* bytes from the end of one to the next */
} edgeq_subset_inputs;

static inline edgeq_subset_layer edgeq_subset_layer_of(const int32_t *packed, int32_t kind, bool is_narrow,
                                                       cmsis_nn_activation limits, int32_t output_offset,
                                                       int32_t channels, int32_t inputs)
{
    edgeq_subset_layer l;

    l.packed = packed;
    l.finishing.is_narrow = is_narrow;
    l.finishing.is_limited = limits.min > -128 || limits.max < 127;
    l.finishing.low = limits.min;
    l.finishing.high = limits.max;
    l.kind = kind;
    l.output_offset = output_offset;
    l.channels = channels;
    l.groups = (inputs + EDGEQ_SUBSET_INPUTS - 1) / EDGEQ_SUBSET_INPUTS;
    return l;
}

/* Bytes of working memory: that of `edgeq.kernels.subsets`. */
static inline int32_t edgeq_subset_bytes(int32_t channels, int32_t groups)
{
    const bool is_whole = groups <= EDGEQ_SUBSETS_PER_CHUNK;
    const int32_t tables = EDGEQ_SUBSET_WORDS * (is_whole ? groups : EDGEQ_SUBSETS_PER_CHUNK);

    return 4 * (tables + ((channels + 1) & ~1) + (is_whole ? 0 : 2 * channels));
}

/* The next groups' tables. */
static inline uint32_t edgeq_write_next_subsets(uint32_t *tables, edgeq_subset_inputs *from, int32_t groups)
{
    uint32_t total = 0;

    for (;;) {
        const int32_t count = groups < from->left ? groups : from->left;

        total += edgeq_write_subsets(tables, from->x0, from->x1, count);
        tables += EDGEQ_SUBSET_WORDS * count;
        from->x0 += EDGEQ_SUBSET_INPUTS * count;
        from->x1 += EDGEQ_SUBSET_INPUTS * count;
        from->left -= count;
        groups -= count;
        if (from->left == 0) {
            from->x0 += from->skip;
            from->x1 += from->skip;
            from->left = from->run;
        }
        if (groups == 0) {
            return total;
        }
    }
}

/* Gets ready for chunks of so many groups. */
static inline void edgeq_enter_chunk(edgeq_subset_rows *s, int32_t groups)
{
    const int32_t half = EDGEQ_SUBSETS_PER_WORD / 2;
    const int32_t rest = groups & (EDGEQ_SUBSETS_PER_WORD - 1);

    s->whole = s->tables + EDGEQ_SUBSET_WORDS * (groups - rest);
    s->rest = rest;
    s->skipped = EDGEQ_STEP_BYTES * ((rest > half ? EDGEQ_SUBSETS_PER_WORD - 1 : half) - rest);
}

/* Parts the working memory; returns its end. */
static inline int8_t *edgeq_enter_subsets(edgeq_subset_layer *l, bool is_ternary, void *buf)
{
    const bool is_whole = l->groups <= EDGEQ_SUBSETS_PER_CHUNK;
    uint32_t *const tables = buf;

    l->sums = tables + EDGEQ_SUBSET_WORDS * (is_whole ? l->groups : EDGEQ_SUBSETS_PER_CHUNK);
    l->total = is_whole ? NULL : (int32_t *)(l->sums + ((l->channels + 1) & ~1));
    l->rows.tables = tables;
    l->rows.end = l->sums + l->channels;
    l->rows.is_ternary = is_ternary;
    l->rows.begin = is_ternary ? EDGEQ_SUBSETS_FIRST : 0u;
    edgeq_enter_chunk(&l->rows, is_whole ? l->groups : EDGEQ_SUBSETS_PER_CHUNK);
    return (int8_t *)buf + edgeq_subset_bytes(l->channels, l->groups);
}

/* Room for copies of so many windows, whose last group may be none of them: what follows has no weight. */
static inline edgeq_subset_inputs edgeq_copied_subsets(const edgeq_subset_layer *l, int8_t *copies, int32_t count)
{
    const int32_t padded = EDGEQ_SUBSET_INPUTS * l->groups;
    const edgeq_subset_inputs from = {copies, copies + (count - 1) * padded, l->groups, l->groups, 0};

    edgeq_fill_few(copies + padded - EDGEQ_SUBSET_INPUTS, 0, EDGEQ_SUBSET_INPUTS);
    edgeq_fill_few(copies + count * padded - EDGEQ_SUBSET_INPUTS, 0, EDGEQ_SUBSET_INPUTS);
    return from;
}

/* The sums of the next chunk for all channels, whose weights are at k; returns their end. */
static inline const int32_t *edgeq_add_subsets(edgeq_subset_layer *l, edgeq_subset_inputs *from, int32_t groups,
                                               const int32_t *k)
{
    edgeq_subset_rows *const s = &l->rows;

    s->k = k;
    s->sum = l->sums;
    s->first = EDGEQ_SUBSETS_FIRST - (groups == l->groups && groups == from->left
                                          ? edgeq_write_subsets(s->tables, from->x0, from->x1, groups)
                                          : edgeq_write_next_subsets(s->tables, from, groups));
    edgeq_add_subset_rows(s);
    return s->k;
}

/* Adds a chunk's sums to those of the chunks before. */
static EDGEQ_NOINLINE void edgeq_gather_subsets(const edgeq_subset_layer *l, bool is_first)
{
    int32_t *total = l->total;
    int32_t c;

    for (c = 0; c < l->channels; ++c, total += 2) {
        const uint32_t sum = l->sums[c];
        total[0] = (is_first ? 0 : total[0]) + (int32_t)(sum & 0xffffu);
        total[1] = (is_first ? 0 : total[1]) + (int32_t)(sum >> 16);
    }
}

/* The result of a sum, by the channel's bias and words at k. */
static inline int8_t edgeq_subset_result(const edgeq_subset_layer *l, const edgeq_finishing *f, int32_t kind, int32_t sum,
                                         const int32_t *k)
{
    if (kind == EDGEQ_BY_SHORT) {
        return edgeq_finish_short(edgeq_is_narrow(f), sum + k[0], k + 1);
    }
    if (kind == EDGEQ_BY_LARGE && edgeq_is_narrow(f)) {
        return (int8_t)edgeq_clamp(edgeq_finish_four_words(sum + k[0], k + 1), -128, 127);
    }
    if (kind == EDGEQ_BY_LARGE) {
        return edgeq_finish_short(false, edgeq_wrap_s32(((uint32_t)sum << EDGEQ_LARGE) + (uint32_t)k[0]), k + 1);
    }
    if (kind == EDGEQ_BY_FINISH) {
        return edgeq_finish(f, sum + k[0], k + 1);
    }
    return (int8_t)edgeq_clamp(edgeq_requantize(sum + k[0], k[1], k[2]) + l->output_offset, f->low, f->high);
}

/* The results of all channels; y0 and y1 are the same where the windows are. */
static inline __attribute__((always_inline)) void edgeq_put_subsets(const edgeq_subset_layer *l, int32_t kind,
                                                                     int32_t words, const int32_t *k, int8_t *y0,
                                                                     int8_t *y1)
{
    const edgeq_finishing finishing = l->finishing;
    const uint32_t *const sums = l->sums;
    const int32_t *const total = l->total;
    const int32_t channels = l->channels;
    int32_t c;

    for (c = 0; c < channels; ++c, k += words + 1) {
        const int32_t s0 = total != NULL ? total[2 * c] : (int32_t)(sums[c] & 0xffffu);
        const int32_t s1 = total != NULL ? total[2 * c + 1] : (int32_t)(sums[c] >> 16);

        y0[c] = edgeq_subset_result(l, &finishing, kind, s0, k);
        if (y1 != y0) {
            y1[c] = edgeq_subset_result(l, &finishing, kind, s1, k);
        }
    }
}

/* The same of short words where the sums are those of one chunk; of kinds up to EDGEQ_PUT_QUICKLY. */
#if defined(__arm__) && !defined(__ARM_FEATURE_DSP) && __ARM_ARCH >= 7
#define EDGEQ_PUT_QUICKLY EDGEQ_BY_LARGE
/* r4 bias, r5 multiplier, r6-r7 addend and result, r8 both sums. */
#define EDGEQ_PUT_SUBSET(sum, y, bits)          \
    "add " sum ", r4, " sum ", lsl #" bits "\n\t" \
    "smlal r6, r7, " sum ", r5\n\t"             \
    "ssat r7, #8, r7, asr #3\n\t"               \
    "strb r7, [" y "], #1\n\t"
#define EDGEQ_PUT_FIRST(bits)                   \
    "1:\n\t"                                    \
    "ldm %[k]!, {r4, r5, r6, r7}\n\t"           \
    "ldr r8, [%[sum]], #4\n\t"                  \
    "uxth r9, r8\n\t" EDGEQ_PUT_SUBSET("r9", "%[y0]", bits)
#define EDGEQ_PUT_SECOND(bits)                  \
    "ldrd r6, r7, [%[k], #-8]\n\t"              \
    "lsr r8, r8, #16\n\t" EDGEQ_PUT_SUBSET("r8", "%[y1]", bits)
#define EDGEQ_PUT_NEXT                          \
    "cmp %[sum], %[end]\n\t"                    \
    "bne 1b\n\t"                                \
    : [k] "+r"(k), [sum] "+r"(sum), [y0] "+r"(y0), [y1] "+r"(y1)    \
    : [end] "r"(end)                            \
    : "r4", "r5", "r6", "r7", "r8", "r9", "cc", "memory"

static EDGEQ_NOINLINE void edgeq_put_short_subsets(const edgeq_subset_layer *l, const int32_t *k, int8_t *y0, int8_t *y1)
{
    const uint32_t *sum = l->sums;
    const uint32_t *const end = sum + l->channels;

    if (l->kind == EDGEQ_BY_LARGE) {
        if (y0 == y1) {
            __asm__ volatile(EDGEQ_PUT_FIRST("8") EDGEQ_PUT_NEXT);
        } else {
            __asm__ volatile(EDGEQ_PUT_FIRST("8") EDGEQ_PUT_SECOND("8") EDGEQ_PUT_NEXT);
        }
    } else if (y0 == y1) {
        __asm__ volatile(EDGEQ_PUT_FIRST("0") EDGEQ_PUT_NEXT);
    } else {
        __asm__ volatile(EDGEQ_PUT_FIRST("0") EDGEQ_PUT_SECOND("0") EDGEQ_PUT_NEXT);
    }
}
#elif defined(__arm__) && !defined(__ARM_FEATURE_DSP)
#define EDGEQ_PUT_QUICKLY EDGEQ_BY_SHORT
/* r3 sum, then result; r2 place, r4-r7 words, r8 bias, r9 both sums. */
#define EDGEQ_PUT_SUBSET(limited, y)            \
    EDGEQ_SHORT_RESULT(limited)                 \
    "mov r2, " y "\n\t"                         \
    "strb r3, [r2]\n\t"                         \
    "adds r2, #1\n\t"                           \
    "mov " y ", r2\n\t"
#define EDGEQ_PUT_FIRST                         \
    ".syntax unified\n"                         \
    "1:\n\t"                                    \
    "ldm r0!, {r3, r4, r5, r6, r7}\n\t"         \
    "ldm r1!, {r2}\n\t"                         \
    "mov r8, r3\n\t"                            \
    "mov r9, r2\n\t"                            \
    "uxth r2, r2\n\t"                           \
    "adds r3, r3, r2\n\t" EDGEQ_PUT_SUBSET("2", "r10")
#define EDGEQ_PUT_NEXT                          \
    "cmp r1, r12\n\t"                           \
    "bne 1b\n\t"                                \
    : "+r"(k), "+r"(sum), "+r"(p), "+r"(q)      \
    : "r"(end)                                  \
    : "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "cc", "memory"

static EDGEQ_NOINLINE void edgeq_put_short_subsets(const edgeq_subset_layer *l, const int32_t *table, int8_t *y0,
                                                   int8_t *y1)
{
    register const int32_t *k __asm__("r0") = table;
    register const uint32_t *sum __asm__("r1") = l->sums;
    register int8_t *p __asm__("r10") = y0;
    register int8_t *q __asm__("r11") = y1;
    register const uint32_t *end __asm__("r12") = l->sums + l->channels;

    if (y0 == y1) {
        __asm__ volatile(EDGEQ_PUT_FIRST EDGEQ_PUT_NEXT);
    } else {
        __asm__ volatile(EDGEQ_PUT_FIRST
                         "mov r3, r9\n\t"
                         "lsrs r3, r3, #16\n\t"
                         "add r3, r3, r8\n\t" EDGEQ_PUT_SUBSET("3", "r11") EDGEQ_PUT_NEXT);
    }
}
#else
#define EDGEQ_PUT_QUICKLY EDGEQ_BY_LARGE
static inline void edgeq_put_short_subsets(const edgeq_subset_layer *l, const int32_t *k, int8_t *y0, int8_t *y1)
{
    edgeq_put_subsets(l, l->kind, edgeq_short_words(edgeq_is_narrow(&l->finishing)), k, y0, y1);
}
#endif

/* Where a window has several chunks, or results are not short. */
static EDGEQ_NOINLINE void edgeq_two_by_any_subsets(edgeq_subset_layer *l, edgeq_subset_inputs from, int8_t *y0, int8_t *y1)
{
    const int32_t *k = l->packed;
    int32_t left = l->groups;

    do {
        const int32_t groups = left < EDGEQ_SUBSETS_PER_CHUNK ? left : EDGEQ_SUBSETS_PER_CHUNK;

        edgeq_enter_chunk(&l->rows, groups);
        k = edgeq_add_subsets(l, &from, groups, k);
        if (l->total != NULL) {
            edgeq_gather_subsets(l, left == l->groups);
        }
        left -= groups;
    } while (left > 0);
    if (l->kind == EDGEQ_BY_SHORT) {
        edgeq_put_subsets(l, EDGEQ_BY_SHORT, edgeq_short_words(edgeq_is_narrow(&l->finishing)), k, y0, y1);
    } else if (l->kind == EDGEQ_BY_LARGE) {
        edgeq_put_subsets(l, EDGEQ_BY_LARGE, edgeq_short_words(edgeq_is_narrow(&l->finishing)), k, y0, y1);
    } else if (l->kind == EDGEQ_BY_FINISH) {
        edgeq_put_subsets(l, EDGEQ_BY_FINISH, edgeq_finish_words(&l->finishing), k, y0, y1);
    } else {
        edgeq_put_subsets(l, EDGEQ_BY_ANY, 2, k, y0, y1);
    }
}

/* All channels of two windows, whose results may be at one place if the windows are. */
static inline void edgeq_two_by_subsets(edgeq_subset_layer *l, edgeq_subset_inputs from, int8_t *y0, int8_t *y1)
{
    if (l->kind >= EDGEQ_BY_SHORT && l->kind <= EDGEQ_PUT_QUICKLY && l->total == NULL) {
        edgeq_put_short_subsets(l, edgeq_add_subsets(l, &from, l->groups, l->packed), y0, y1);
    } else {
        edgeq_two_by_any_subsets(l, from, y0, y1);
    }
}

#endif
