/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of four channels with int4 weights become int8, from tables that edgeq's kernels/int4_tables.py makes for cores
 * with the DSP extension.
 */
#ifndef EDGEQ_INT4_DSP_H
#define EDGEQ_INT4_DSP_H

#include "edgeq_dsp.h"

/* Channels of a record. */
#define EDGEQ_FOUR 4

/* 4096 times the sums of four channels. */
typedef struct {
    int32_t of[EDGEQ_FOUR];
} edgeq_four_sums;

/*
 * The results of `rows` rows of sums, `step` bytes apart, the first four at y, and the table moved on behind the record.
 * is_short: whether two words are all that a channel has.
 */
static inline __attribute__((always_inline)) const int32_t *edgeq_finish_four_int4(bool is_short, const int32_t *k,
                                                                              const edgeq_four_sums *rows, int32_t count,
                                                                              int8_t *y, int32_t step)
{
    const int32_t *const doubled_bias = k;
    int32_t row, c;

    k += is_short ? 0 : EDGEQ_FOUR;
#pragma GCC unroll 4
    for (c = 0; c < EDGEQ_FOUR; ++c) {
        if (is_short) {
            const edgeq_word_pair quant = edgeq_next_pair(&k);
#pragma GCC unroll 2
            for (row = 0; row < count; ++row) {
                y[row * step + c] = edgeq_finish_two_words_s8(rows[row].of[c], quant);
            }
        } else {
            const edgeq_channel_quant quant = edgeq_next_quant(&k);
#pragma GCC unroll 2
            for (row = 0; row < count; ++row) {
                const int32_t doubled = doubled_bias[c] + (rows[row].of[c] >> 11);
                y[row * step + c] = (int8_t)edgeq_finish_either_s8(doubled, quant);
            }
        }
    }
    return k;
}

#endif
