/* SPDX-License-Identifier: Apache-2.0 */
/* Dot products of int8 vectors: the inner loop of convolution and fully connected layers. */
#ifndef EDGEQ_DOT_H
#define EDGEQ_DOT_H

#include <stdint.h>

/* Accumulators of four neighbouring output channels. */
typedef struct {
    int32_t channel[4];
} edgeq_acc4;

/*
 * Adds sum((x[i] + offset) * w[k][i], i < count) to accumulator k. The rows of w are `row` bytes apart; of four, only
 * the first `channels` exist. The others repeat the last one: their sums mean nothing.
 *
 * Four channels share each load of x and its addition, which brings a multiply-accumulate down to about three
 * instructions without any SIMD.
 */
static inline void edgeq_dot4(edgeq_acc4 *acc, int32_t channels, const int8_t *x, int32_t offset, const int8_t *w,
                              int32_t row, int32_t count)
{
    const int8_t *w0 = w;
    const int8_t *w1 = channels > 1 ? w0 + row : w0;
    const int8_t *w2 = channels > 2 ? w1 + row : w1;
    const int8_t *w3 = channels > 3 ? w2 + row : w2;
    const int8_t *const end = x + count;
    int32_t a0 = acc->channel[0];
    int32_t a1 = acc->channel[1];
    int32_t a2 = acc->channel[2];
    int32_t a3 = acc->channel[3];

    while (x != end) {
        const int32_t value = *x++ + offset;
        a0 += value * *w0++;
        a1 += value * *w1++;
        a2 += value * *w2++;
        a3 += value * *w3++;
    }
    acc->channel[0] = a0;
    acc->channel[1] = a1;
    acc->channel[2] = a2;
    acc->channel[3] = a3;
}

/* sum((x[i * x_step] + x_offset) * (y[i * y_step] + y_offset), i < count). */
static inline int32_t edgeq_dot_strided(const int8_t *x, int32_t x_step, int32_t x_offset, const int8_t *y, int32_t y_step,
                                        int32_t y_offset, int32_t count)
{
    int32_t sum = 0;

    for (; count > 0; --count, x += x_step, y += y_step) {
        sum += (*x + x_offset) * (*y + y_offset);
    }
    return sum;
}

#endif
