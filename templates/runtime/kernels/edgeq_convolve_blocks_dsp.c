/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution with weights in blocks for cores with the DSP extension: four output pixels of a channel at a time.
 *
 * Windows are widened as for edgeq_convolve_4x2_dsp_s8.c. A word of weights serves all four pixels: of 8 bits it holds four,
 * which take 15 instructions for 16 MACs; of 4 bits eight codes from 0 to 15, two of which a rotation and a mask make
 * lanes, 29 instructions for 32 MACs. Sums of codes have eight times that of the inputs to be taken off; these are formed
 * once for all channels, and a block's minimum counts them. Sums wrap on the way.
 */
#include "edgeq_kernels_blocks.h"
#include "edgeq_widened.h"

#define PIXELS EDGEQ_WIDENED
/* Numbers of the table before its first record. */
#define HEAD 4
/* What a code is more than its weight, as a power of two. */
#define ZERO_CODE_BITS 3

/* What all channels have in common. Steps are pairs of inputs, of the last block as well a multiple of four. */
typedef struct {
    const uint32_t *x;  /* the widened windows */
    const uint32_t *in; /* of each block the sums of its inputs, PIXELS words; if there are minima or codes */
    int32_t in_block;   /* steps */
    int32_t in_window;
    int32_t blocks;
    bool has_minima;
    bool has_codes;     /* whether weights have 4 bits */
} layer;

/* Of each pixel. */
typedef struct {
    uint32_t of[PIXELS];
} sums;

#if defined(__ARM_FEATURE_DSP)
#define PIXEL_PAIR(s0, s1, w)                                    \
    "ldrd %[p], %[q], [%[x]], #8\n\t"                            \
    "smlad %[" s0 "], %[p], %[" w "], %[" s0 "]\n\t"             \
    "smlad %[" s1 "], %[q], %[" w "], %[" s1 "]\n\t"
#define STEP PIXEL_PAIR("s0", "s1", "t") PIXEL_PAIR("s2", "s3", "t")
#define TWO_STEPS                                                \
    "ldr %[w], [%[k]], #4\n\t"                                   \
    "sxtb16 %[t], %[w]\n\t" STEP                                 \
    "sxtb16 %[t], %[w], ror #8\n\t" STEP
#define OF_WEIGHTS TWO_STEPS TWO_STEPS
#define OF_CODES                                                 \
    "ldr %[w], [%[k]], #4\n\t"                                   \
    "and %[t], %[mask], %[w]\n\t" STEP                           \
    "and %[t], %[mask], %[w], ror #4\n\t" STEP                   \
    "and %[t], %[mask], %[w], ror #8\n\t" STEP                   \
    "and %[t], %[mask], %[w], ror #12\n\t" STEP
/* A block's products, without what it counts. */
#define BLOCK(four_steps)                                        \
    "2:\n\t"                                                     \
    "ldrd %[t], %[w], %[ends]\n\t"                               \
    "add %[end], %[x], %[t]\n\t"                                 \
    "cmp %[end], %[w]\n\t"                                       \
    "it hi\n\t"                                                  \
    "movhi %[end], %[w]\n\t"                                     \
    "mov %[s0], #0\n\t"                                          \
    "mov %[s1], #0\n\t"                                          \
    "mov %[s2], #0\n\t"                                          \
    "mov %[s3], #0\n"                                            \
    "1:\n\t" four_steps                                          \
    "cmp %[x], %[end]\n\t"                                       \
    "bne 1b\n\t"
#define SCALED(s0, s1, all)                                      \
    "ldrd %[p], %[q], %[" all "]\n\t"                            \
    "mla %[p], %[" s0 "], %[w], %[p]\n\t"                        \
    "mla %[q], %[" s1 "], %[w], %[q]\n\t"                        \
    "strd %[p], %[q], %[" all "]\n\t"
#define BLOCK_SCALED                                             \
    "ldrsb %[w], [%[scale]], #1\n\t" SCALED("s0", "s1", "all01") SCALED("s2", "s3", "all23")
/* The sums of its inputs are at `end` now. */
#define OF_INPUTS "ldr %[end], %[in]\n\t"
#define AFTER_INPUTS "str %[end], %[in]\n\t"
#define LESS_INPUTS(s0, s1)                                      \
    "ldrd %[p], %[q], [%[end]], #8\n\t"                          \
    "sub %[" s0 "], %[" s0 "], %[p], lsl #3\n\t"                 \
    "sub %[" s1 "], %[" s1 "], %[q], lsl #3\n\t"
#define BLOCK_LESS_INPUTS OF_INPUTS LESS_INPUTS("s0", "s1") LESS_INPUTS("s2", "s3") AFTER_INPUTS
/* With a minimum, t. */
#define COUNTED(s0, s1, all)                                     \
    "mul %[" s0 "], %[" s0 "], %[w]\n\t"                         \
    "mul %[" s1 "], %[" s1 "], %[w]\n\t"                         \
    "mla %[" s0 "], %[p], %[t], %[" s0 "]\n\t"                   \
    "mla %[" s1 "], %[q], %[t], %[" s1 "]\n\t"                   \
    "ldrd %[p], %[q], %[" all "]\n\t"                            \
    "add %[p], %[p], %[" s0 "]\n\t"                              \
    "add %[q], %[q], %[" s1 "]\n\t"                              \
    "strd %[p], %[q], %[" all "]\n\t"
#define BLOCK_COUNTED(less01, less23)                            \
    "ldr %[w], %[minimum]\n\t"                                   \
    "ldrsh %[t], [%[w]], #2\n\t"                                 \
    "str %[w], %[minimum]\n\t"                                   \
    "ldrsb %[w], [%[scale]], #1\n\t"                             \
    OF_INPUTS less01 COUNTED("s0", "s1", "all01") less23 COUNTED("s2", "s3", "all23") AFTER_INPUTS
#define INPUTS "ldrd %[p], %[q], [%[end]], #8\n\t"
#define UNTIL_LAST                                               \
    "ldr %[t], %[last]\n\t"                                      \
    "cmp %[x], %[t]\n\t"                                         \
    "bne 2b"
#define OPERANDS                                                                                                   \
    : [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3), [x] "+r"(x), [k] "+r"(from), [w] "=&r"(w),   \
      [t] "=&r"(t), [p] "=&r"(p), [q] "=&r"(q), [end] "=&r"(end), [scale] "+r"(scales), [all01] "+m"(all.of[0]),   \
      [all23] "+m"(all.of[2]), [in] "+m"(in), [minimum] "+m"(minima)                                              \
    : [mask] "r"(0x000f000fu), [ends] "m"(ends), [last] "m"(ends[1])                                               \
    : "cc", "memory"

/* The sums of a channel, its tables of scales and minima; *k moves past its weights. */
static inline sums add_blocks(const layer *l, uint32_t bias, const int32_t **k, const int32_t *scale_words,
                              const int32_t *minimum_words)
{
    const uint32_t *x = l->x;
    const uint32_t *in = l->in;
    const int32_t *from = *k;
    const int8_t *scales = (const int8_t *)scale_words;
    const int8_t *minima = (const int8_t *)minimum_words;
    /* Bytes of a block, and where the last one ends. */
    const uint32_t ends[2] = {4u * PIXELS * (uint32_t)l->in_block, (uint32_t)(x + PIXELS * l->in_window)};
    sums all = {{bias, bias, bias, bias}};
    uint32_t s0, s1, s2, s3, w, t, p, q, end;

    if (l->has_codes && l->has_minima) {
        __asm__(BLOCK(OF_CODES) BLOCK_COUNTED(LESS_INPUTS("s0", "s1"), LESS_INPUTS("s2", "s3")) UNTIL_LAST OPERANDS);
    } else if (l->has_codes) {
        __asm__(BLOCK(OF_CODES) BLOCK_LESS_INPUTS BLOCK_SCALED UNTIL_LAST OPERANDS);
    } else if (l->has_minima) {
        __asm__(BLOCK(OF_WEIGHTS) BLOCK_COUNTED(INPUTS, INPUTS) UNTIL_LAST OPERANDS);
    } else {
        __asm__(BLOCK(OF_WEIGHTS) BLOCK_SCALED UNTIL_LAST OPERANDS);
    }
    *k = from;
    return all;
}
#else
/* Item i of a table of int8, four to a word, and of one of int16, two to a word. */
static inline int32_t scale_at(const int32_t *words, int32_t i)
{
    return edgeq_byte((uint32_t)words[i >> 2], 8u * ((uint32_t)i & 3u));
}

static inline int32_t minimum_at(const int32_t *words, int32_t i)
{
    return edgeq_lane((uint32_t)words[i >> 1], 16u * ((uint32_t)i & 1u));
}

static inline sums add_blocks(const layer *l, uint32_t bias, const int32_t **k, const int32_t *scale_words,
                              const int32_t *minimum_words)
{
    const uint32_t together = l->has_codes ? 4 : 2; /* steps of a word */
    const uint32_t *x = l->x;
    const uint32_t *in = l->in;
    sums all = {{bias, bias, bias, bias}};
    int32_t left = l->in_window;
    int32_t block, pixel;

    for (block = 0; block < l->blocks; ++block, left -= l->in_block) {
        const uint32_t steps = (uint32_t)(left < l->in_block ? left : l->in_block);
        sums products = {{0, 0, 0, 0}};
        uint32_t step;

        for (step = 0; step < steps; ++step, x += PIXELS) {
            const uint32_t word = (uint32_t)(*k)[step / together];
            const uint32_t place = step % together;
            const uint32_t w = l->has_codes ? (word >> 4 * place) & 0x000f000fu
                                            : place == 0 ? edgeq_even_bytes(word) : edgeq_odd_bytes(word);
            for (pixel = 0; pixel < PIXELS; ++pixel) {
                products.of[pixel] = edgeq_mac_both_wrapping(x[pixel], w, products.of[pixel]);
            }
        }
        *k += steps / together;
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            uint32_t sum = products.of[pixel];
            if (l->has_codes) {
                sum -= in[pixel] << ZERO_CODE_BITS;
            }
            all.of[pixel] += (uint32_t)scale_at(scale_words, block) * sum;
            if (l->has_minima) {
                all.of[pixel] += (uint32_t)minimum_at(minimum_words, block) * in[pixel];
            }
        }
        in += l->has_codes || l->has_minima ? PIXELS : 0;
    }
    return all;
}
#endif

/* The sums of every block's inputs. */
static EDGEQ_NOINLINE void sum_inputs(const layer *l, uint32_t *to)
{
    const uint32_t *x = l->x;
    int32_t left, block, pixel;

    for (left = l->in_window; left > 0; left -= l->in_block, to += PIXELS) {
        sums s = {{0, 0, 0, 0}};

        for (block = left < l->in_block ? left : l->in_block; block > 0; --block, x += PIXELS) {
            for (pixel = 0; pixel < PIXELS; ++pixel) {
                s.of[pixel] = edgeq_mac_both_wrapping(x[pixel], 0x00010001u, s.of[pixel]);
            }
        }
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            to[pixel] = s.of[pixel];
        }
    }
}

static inline __attribute__((always_inline)) void convolve_four(const edgeq_widened *v, const uint32_t *x,
                                                                const int32_t *packed, int8_t *y, bool has_codes)
{
    const int32_t in_window = (v->steps + 3) & ~3;
    uint32_t *const sums_of_inputs = v->spare + PIXELS * (in_window - v->steps);
    const layer l = {x, sums_of_inputs, packed[0], in_window, packed[1], packed[2] != 0, has_codes};
    const int32_t *k = packed + HEAD;
    uint32_t *fill;
    int32_t channels, pixel;

    for (fill = v->spare; fill != sums_of_inputs; ++fill) {
        *fill = 0;
    }
    if (l.has_codes || l.has_minima) {
        sum_inputs(&l, sums_of_inputs);
    }
    for (channels = v->channels; channels > 0; --channels, ++y) {
        const uint32_t bias = (uint32_t)*k++;
        const edgeq_channel_quant quant = edgeq_next_quant(&k);
        const int32_t *const scales = k;
        const int32_t *const minima = scales + (l.blocks + 3) / 4;
        int8_t *to = y;
        sums s;

        k = minima + (l.has_minima ? (l.blocks + 1) / 2 : 0);
        s = add_blocks(&l, bias, &k, scales, minima);
#pragma GCC unroll 4
        for (pixel = 0; pixel < PIXELS; ++pixel, to += v->y_step) {
            *to = (int8_t)edgeq_finish_s8(edgeq_wrap_s32(2u * s.of[pixel]), quant);
        }
    }
    for (y -= v->channels, pixel = 0; v->is_limited && pixel < PIXELS; ++pixel, y += v->y_step) {
        for (channels = 0; channels < v->channels; ++channels) {
            y[channels] = (int8_t)edgeq_clamp(y[channels], v->low, v->high);
        }
    }
}

static void convolve_s8(const edgeq_widened *v, const uint32_t *x, const int32_t *packed, int8_t *y)
{
    convolve_four(v, x, packed, y, false);
}

static void convolve_s4(const edgeq_widened *v, const uint32_t *x, const int32_t *packed, int8_t *y)
{
    convolve_four(v, x, packed, y, true);
}

arm_cmsis_nn_status edgeq_convolve_blocks_dsp_s8(const cmsis_nn_context *ctx,
                                                 const cmsis_nn_conv_params *conv_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 bool backwards,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data)
{
    if (ctx->size < packed[3]) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    return edgeq_convolve_by_four(ctx, conv_params, input_dims, input_data, filter_dims, packed, false, backwards,
                                  output_dims, output_data, convolve_s8);
}

arm_cmsis_nn_status edgeq_convolve_blocks_dsp_s4(const cmsis_nn_context *ctx,
                                                 const cmsis_nn_conv_params *conv_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 bool backwards,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data)
{
    if (ctx->size < packed[3]) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    return edgeq_convolve_by_four(ctx, conv_params, input_dims, input_data, filter_dims, packed, false, backwards,
                                  output_dims, output_data, convolve_s4);
}
