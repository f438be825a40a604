/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of products with weights in blocks, each with a scale and a minimum in units of its channel's scale:
 *
 *     sum over blocks of  scale * sum(w[i] * x[i])  +  minimum * sum(x[i])
 *
 * Inputs have their offset added and lie in 16 bits, one after the other, followed by zeros up to a multiple of eight.
 * Rows of weights are padded to whole words, and the bytes of a word stand in the order in which pairs of 16-bit lanes are
 * made of them:
 *   8 bits: a word holds the weights 0, 2, 1, 3;
 *   4 bits: a word holds w + 8 of the weights 0, 2, 4, 6, 1, 3, 5, 7, the first in the lowest four bits.
 * edgeq's kernels/blocks.py packs them so.
 */
#ifndef EDGEQ_BLOCKS_H
#define EDGEQ_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "edgeq_dsp.h"
#include "edgeq_window.h"
#include "kernels/edgeq_kernels_blocks.h"

#if defined(__ARM_FEATURE_DSP)

/* A constant that the compiler does not know, so that it stays in its register. */
static inline uint32_t edgeq_hidden(uint32_t constant)
{
    __asm__("" : "+r"(constant));
    return constant;
}

/*
 * sums[k] = sum(w_k[i] * x[i], i < count) of two channels' 8-bit weights, which share the loads of inputs; count: a
 * multiple of four, 4 or more. x is aligned to words.
 */
static inline void edgeq_dot_blocks_s8(int32_t *sums, const int16_t *x, const int8_t *w0, const int8_t *w1,
                                               int32_t count)
{
    const int32_t *inputs = (const int32_t *)(const void *)x;
    const int32_t *const end = inputs + count / 2;
    int32_t sum0 = 0;
    int32_t sum1 = 0;

    do {
        const edgeq_word_pair four = edgeq_next_pair(&inputs);
        const uint32_t word0 = edgeq_load_s8x4(w0);
        const uint32_t word1 = edgeq_load_s8x4(w1);
        sum0 = edgeq_mac_both(edgeq_even_bytes(word0), four.first, sum0);
        sum0 = edgeq_mac_both(edgeq_odd_bytes(word0), four.second, sum0);
        sum1 = edgeq_mac_both(edgeq_even_bytes(word1), four.first, sum1);
        sum1 = edgeq_mac_both(edgeq_odd_bytes(word1), four.second, sum1);
        w0 += 4;
        w1 += 4;
    } while (inputs != end);
    sums[0] = sum0;
    sums[1] = sum1;
}

/* The same with (w[i] + 8) of 4-bit weights; count: a multiple of eight, 8 or more. */
static inline void edgeq_dot_blocks_s4(int32_t *sums, const int16_t *x, const int8_t *w0, const int8_t *w1,
                                               int32_t count)
{
    const int32_t *inputs = (const int32_t *)(const void *)x;
    const int32_t *const end = inputs + count / 2;
    const uint32_t mask = edgeq_hidden(0x000f000fu);
    int32_t sum0 = 0;
    int32_t sum1 = 0;

    do {
        const edgeq_word_pair four = edgeq_next_pair(&inputs);
        const edgeq_word_pair more = edgeq_next_pair(&inputs);
        const uint32_t word0 = edgeq_load_s8x4(w0);
        const uint32_t word1 = edgeq_load_s8x4(w1);
        sum0 = edgeq_mac_both(word0 & mask, four.first, sum0);
        sum1 = edgeq_mac_both(word1 & mask, four.first, sum1);
        sum0 = edgeq_mac_both((word0 >> 4) & mask, four.second, sum0);
        sum1 = edgeq_mac_both((word1 >> 4) & mask, four.second, sum1);
        sum0 = edgeq_mac_both((word0 >> 8) & mask, more.first, sum0);
        sum1 = edgeq_mac_both((word1 >> 8) & mask, more.first, sum1);
        sum0 = edgeq_mac_both((word0 >> 12) & mask, more.second, sum0);
        sum1 = edgeq_mac_both((word1 >> 12) & mask, more.second, sum1);
        w0 += 4;
        w1 += 4;
    } while (inputs != end);
    sums[0] = sum0;
    sums[1] = sum1;
}

#else

static inline int32_t edgeq_dot_block_s8(const int16_t *x, const int8_t *w, int32_t count)
{
    const int16_t *const end = x + count;
    int32_t sum = 0;

    for (; x != end; x += 4, w += 4) {
        sum += x[0] * w[0] + x[1] * w[2] + x[2] * w[1] + x[3] * w[3];
    }
    return sum;
}

static inline void edgeq_dot_blocks_s8(int32_t *sums, const int16_t *x, const int8_t *w0, const int8_t *w1,
                                               int32_t count)
{
    sums[0] = edgeq_dot_block_s8(x, w0, count);
    sums[1] = edgeq_dot_block_s8(x, w1, count);
}

static inline int32_t edgeq_dot_block_s4(const int16_t *x, const int8_t *w, int32_t count)
{
    const int16_t *const end = x + count;
    int32_t sum = 0;

    /* of each pair of bytes, the first has inputs of even place, the second those of odd */
    for (; x != end; x += 8, w += 4) {
        sum += x[0] * (w[0] & 15) + x[2] * ((w[0] >> 4) & 15);
        sum += x[1] * (w[2] & 15) + x[3] * ((w[2] >> 4) & 15);
        sum += x[4] * (w[1] & 15) + x[6] * ((w[1] >> 4) & 15);
        sum += x[5] * (w[3] & 15) + x[7] * ((w[3] >> 4) & 15);
    }
    return sum;
}

static inline void edgeq_dot_blocks_s4(int32_t *sums, const int16_t *x, const int8_t *w0, const int8_t *w1,
                                               int32_t count)
{
    sums[0] = edgeq_dot_block_s4(x, w0, count);
    sums[1] = edgeq_dot_block_s4(x, w1, count);
}

#endif

/* A kernel's working memory: the sums of each block's inputs, if any are wanted, then the inputs. */
typedef struct {
    int32_t *sums;
    int16_t *inputs;
    int32_t depth; /* inputs of one sum */
} edgeq_block_inputs;

static inline int32_t edgeq_whole_eights(int32_t count)
{
    return (count + 7) / 8 * 8;
}

/* Whether the filter is one that these functions compute, and the context has the memory; then divides it up. */
static inline bool edgeq_open_block_inputs(edgeq_block_inputs *in, const cmsis_nn_context *ctx,
                                           const edgeq_block_filter *f, int32_t depth)
{
    const int32_t padded = edgeq_whole_eights(depth);

    if (depth < 1 || f->size < 1 || (f->size < depth && f->size % 8 != 0)) {
        return false;
    }
    const int32_t blocks = (depth + f->size - 1) / f->size;
    if (ctx->buf == NULL || ctx->size < 4 * blocks + 2 * padded) {
        return false;
    }
    in->sums = ctx->buf;
    in->inputs = (int16_t *)(void *)(in->sums + blocks);
    in->depth = depth;
    memset(in->inputs + depth, 0, 2 * (size_t)(padded - depth));
    return true;
}

/* Inputs with their offset, 16 bits each. */
static inline void edgeq_widen_inputs(int16_t *out, const int8_t *x, int32_t offset, int32_t count)
{
    int32_t i;

    for (i = 0; i < count; ++i) {
        out[i] = (int16_t)(x[i] + offset);
    }
}

/* The sums of the inputs of each block. */
static inline void edgeq_sum_blocks(const edgeq_block_inputs *in, int32_t size)
{
    const int16_t *x = in->inputs;
    int32_t *sum = in->sums;
    int32_t left, i;

    for (left = in->depth; left > 0; left -= size) {
        const int32_t count = left < size ? left : size;
        int32_t total = 0;
        for (i = 0; i < count; ++i) {
            total += *x++;
        }
        *sum++ = total;
    }
}

/*
 * The sums of two channels. No partial sum exceeds the bound that has been proven of the layer. dot: of the functions
 * above, has_four_bits: whether it is that of 4 bits; inlined where this is.
 */
static inline void edgeq_sum_in_blocks(int32_t *sums, const edgeq_block_filter *f, const edgeq_block_inputs *in,
                                       int32_t channel, int32_t other, bool has_four_bits,
                                       void (*dot)(int32_t *, const int16_t *, const int8_t *, const int8_t *, int32_t))
{
    const int32_t unit = has_four_bits ? 8 : 4;
    const int32_t padded = (in->depth + unit - 1) / unit * unit;
    const int32_t row = has_four_bits ? padded / 2 : padded;
    const int32_t blocks = (in->depth + f->size - 1) / f->size;
    const int8_t *w0 = f->weights + channel * row;
    const int8_t *w1 = f->weights + other * row;
    const int16_t *x = in->inputs;
    const int32_t first = channel * blocks;
    const int32_t second = other * blocks;
    int32_t left = padded;
    int32_t sum0 = 0;
    int32_t sum1 = 0;
    int32_t block;

    for (block = 0; block < blocks; ++block) {
        const int32_t count = block + 1 < blocks ? f->size : left;
        int32_t parts[2];

        dot(parts, x, w0, w1, count);
        if (has_four_bits) {
            parts[0] -= 8 * in->sums[block];
            parts[1] -= 8 * in->sums[block];
        }
        if (f->scales != NULL) {
            parts[0] *= f->scales[first + block];
            parts[1] *= f->scales[second + block];
        }
        sum0 += parts[0];
        sum1 += parts[1];
        if (f->minima != NULL) {
            sum0 += f->minima[first + block] * in->sums[block];
            sum1 += f->minima[second + block] * in->sums[block];
        }
        x += count;
        w0 += has_four_bits ? count / 2 : count;
        w1 += has_four_bits ? count / 2 : count;
        left -= count;
    }
    sums[0] = sum0;
    sums[1] = sum1;
}

/* The sums of two channels, apart: every register is needed. */
typedef void edgeq_block_sums(int32_t *sums, const edgeq_block_filter *f, const edgeq_block_inputs *in,
                              int32_t channel, int32_t other);

static EDGEQ_NOINLINE void edgeq_block_sums_s8(int32_t *sums, const edgeq_block_filter *f, const edgeq_block_inputs *in,
                                               int32_t channel, int32_t other)
{
    edgeq_sum_in_blocks(sums, f, in, channel, other, false, edgeq_dot_blocks_s8);
}

static EDGEQ_NOINLINE void edgeq_block_sums_s4(int32_t *sums, const edgeq_block_filter *f, const edgeq_block_inputs *in,
                                               int32_t channel, int32_t other)
{
    edgeq_sum_in_blocks(sums, f, in, channel, other, true, edgeq_dot_blocks_s4);
}

/* How a kernel multiplies: one of the functions above, and whether it wants the sums of each block's inputs anyway. */
typedef struct {
    edgeq_block_sums *sums;
    bool has_four_bits;
} edgeq_block_product;

#endif
