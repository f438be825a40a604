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
#include "kernels/edgeq_kernels_blocks.h"

#if defined(__ARM_FEATURE_DSP)

/* Two neighbouring inputs, the first in the low lane. */
static inline uint32_t edgeq_load_lanes(const int16_t *x)
{
    uint32_t word;
    memcpy(&word, x, sizeof(word));
    return word;
}

/* sum(w[i] * x[i], i < count) of 8-bit weights; count: a multiple of four. */
static inline int32_t edgeq_dot_block_s8(const int16_t *x, const int8_t *w, int32_t count)
{
    const int16_t *const end = x + count;
    int32_t sum = 0;

    for (; x != end; x += 4, w += 4) {
        const uint32_t word = edgeq_load_s8x4(w);
        sum = edgeq_mac_both(edgeq_even_bytes(word), edgeq_load_lanes(x), sum);
        sum = edgeq_mac_both(edgeq_odd_bytes(word), edgeq_load_lanes(x + 2), sum);
    }
    return sum;
}

/* sum((w[i] + 8) * x[i], i < count) of 4-bit weights; count: a multiple of eight. */
static inline int32_t edgeq_dot_block_s4(const int16_t *x, const int8_t *w, int32_t count)
{
    const uint32_t mask = 0x000f000fu;
    const int16_t *const end = x + count;
    int32_t sum = 0;

    for (; x != end; x += 8, w += 4) {
        const uint32_t word = edgeq_load_s8x4(w);
        sum = edgeq_mac_both(word & mask, edgeq_load_lanes(x), sum);
        sum = edgeq_mac_both((word >> 4) & mask, edgeq_load_lanes(x + 2), sum);
        sum = edgeq_mac_both((word >> 8) & mask, edgeq_load_lanes(x + 4), sum);
        sum = edgeq_mac_both((word >> 12) & mask, edgeq_load_lanes(x + 6), sum);
    }
    return sum;
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

static inline int32_t edgeq_dot_block_s4(const int16_t *x, const int8_t *w, int32_t count)
{
    const int16_t *const end = x + count;
    int32_t sum = 0;
    int32_t k;

    for (; x != end; x += 8, w += 4) {
        for (k = 0; k < 2; ++k) {
            /* of each pair of bytes, the first has inputs of even place, the second those of odd */
            sum += x[4 * k] * (w[k] & 15) + x[4 * k + 2] * ((w[k] >> 4) & 15);
            sum += x[4 * k + 1] * (w[k + 2] & 15) + x[4 * k + 3] * ((w[k + 2] >> 4) & 15);
        }
    }
    return sum;
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
static inline void edgeq_widen(int16_t *out, const int8_t *x, int32_t offset, int32_t count)
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
 * One channel's sum. dot: of the functions above, inlined where this is; eights: as the one for 4 bits.
 * No partial sum exceeds the bound that has been proven of the layer.
 */
static inline int32_t edgeq_sum_in_blocks(const edgeq_block_filter *f, const edgeq_block_inputs *in, int32_t channel,
                                          bool eights, int32_t (*dot)(const int16_t *, const int8_t *, int32_t))
{
    const int32_t unit = eights ? 8 : 4;
    const int32_t padded = (in->depth + unit - 1) / unit * unit;
    const int32_t blocks = (in->depth + f->size - 1) / f->size;
    const int8_t *w = f->weights + channel * (eights ? padded / 2 : padded);
    const int8_t *scale = f->scales + channel * blocks;
    const int16_t *const minimum = f->minima != NULL ? f->minima + channel * blocks : NULL;
    const int16_t *x = in->inputs;
    int32_t left = padded;
    int32_t sum = 0;
    int32_t block;

    for (block = 0; block < blocks; ++block) {
        const int32_t count = block + 1 < blocks ? f->size : left;
        int32_t part = dot(x, w, count);
        if (eights) {
            part -= 8 * in->sums[block];
        }
        sum += scale[block] * part;
        if (minimum != NULL) {
            sum += minimum[block] * in->sums[block];
        }
        x += count;
        w += eights ? count / 2 : count;
        left -= count;
    }
    return sum;
}

#endif
