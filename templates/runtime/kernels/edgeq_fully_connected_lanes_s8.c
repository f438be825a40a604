/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected layer for cores without the DSP extension, four units at a time, two in one word.
 *
 * An input of four units, 4 MACs, costs 6.9 instructions on ARMv7-M (1.7 per MAC) and 11.8 on ARMv6-M (2.9): its weights
 * are a word of four bytes, which masks make two words of two lanes. The arithmetic is that of edgeq_lanes.h, with the
 * lanes on the side of the weights and eight inputs to a block. The input's offset is part of the bias.
 */
#include <string.h>

#include "edgeq_finish.h"
#include "edgeq_kernels_scalar.h"
#include "edgeq_lanes.h"

/* Inputs of a block. */
#define BLOCK 8

/* A function apart keeps its own registers. */
#define NOINLINE __attribute__((noinline))

/* What add_blocks works with. The assembly knows the order. */
typedef struct {
    const int8_t *x;       /* the inputs, whole blocks */
    const uint32_t *first; /* what the sums of each block begin with */
    const uint32_t *end;   /* of these */
    const int32_t *k;      /* the record; moved behind its weights */
    edgeq_lane_sum even;   /* of units a (low) and c (high) */
    edgeq_lane_sum odd;    /* of units b and d */
} state;

#if defined(__arm__) && !defined(__ARM_FEATURE_DSP) && __ARM_ARCH >= 7
/* r0 inputs, r1 firsts, r2 their end, r3 table, r4 mask, r5-r6 weights, r7 input, r8-r9 blocks; r10-r12, lr sums. */
#define INPUT(acc)                \
    "ldr r5, [r3], #4\n\t"        \
    "ldrsb r7, [r0], #1\n\t"      \
    "and r6, r4, r5, lsr #8\n\t"  \
    "and r5, r5, r4\n\t"          \
    "mla r9, r6, r7, " acc "\n\t" \
    "mla r8, r5, r7, r8\n\t"

static inline void add_blocks(state *of)
{
    register state *s __asm__("r0") = of;

    __asm__ volatile("push {r0}\n\t"
                     "ldm r0, {r0, r1, r2, r3}\n\t"
                     "ldm r3!, {r10, r11, r12, lr}\n\t"
                     "mov r4, #0x00ff00ff\n"
                     "1:\n\t"
                     "ldr r8, [r1], #4\n\t" INPUT("r8") INPUT("r9") INPUT("r9") INPUT("r9") INPUT("r9") INPUT("r9")
                         INPUT("r9") INPUT("r9")
                     "add r10, r10, r8\n\t"
                     "add r11, r11, r8, asr #16\n\t"
                     "add r12, r12, r9\n\t"
                     "add lr, lr, r9, asr #16\n\t"
                     "cmp r1, r2\n\t"
                     "bne 1b\n\t"
                     "pop {r9}\n\t"
                     "add r9, r9, #12\n\t"
                     "stm r9, {r3, r10, r11, r12, lr}\n\t"
                     : "+r"(s)
                     :
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}
#elif defined(__arm__) && !defined(__ARM_FEATURE_DSP)
/* r0 inputs, r1 table, r2-r3 weights, r4 mask, r5 input, r6 firsts, r7 their end; r8-r11 sums, r12 and lr blocks. */
#define INPUT(at)                 \
    "ldrb r5, [r0, #" at "]\n\t"  \
    "sxtb r5, r5\n\t"             \
    "ldm r1!, {r2}\n\t"           \
    "lsrs r3, r2, #8\n\t"         \
    "ands r2, r2, r4\n\t"         \
    "ands r3, r3, r4\n\t"         \
    "muls r2, r5, r2\n\t"         \
    "muls r3, r5, r3\n\t"         \
    "add r12, r12, r2\n\t"        \
    "add lr, lr, r3\n\t"

static inline void add_blocks(state *of)
{
    register state *s __asm__("r0") = of;

    __asm__ volatile(".syntax unified\n\t"
                     "push {r0}\n\t"
                     "ldm r0!, {r1, r2, r3, r4}\n\t"
                     "mov r0, r1\n\t"
                     "mov r6, r2\n\t"
                     "mov r7, r3\n\t"
                     "mov r1, r4\n\t"
                     "ldm r1!, {r2, r3, r4, r5}\n\t"
                     "mov r8, r2\n\t"
                     "mov r9, r3\n\t"
                     "mov r10, r4\n\t"
                     "mov r11, r5\n\t"
                     "movs r4, #255\n\t"
                     "lsls r5, r4, #16\n\t"
                     "orrs r4, r4, r5\n"
                     "1:\n\t"
                     "ldm r6!, {r2}\n\t"
                     "mov r12, r2\n\t"
                     "mov lr, r2\n\t" INPUT("0") INPUT("1") INPUT("2") INPUT("3") INPUT("4") INPUT("5") INPUT("6")
                         INPUT("7")
                     "adds r0, #8\n\t"
                     "add r8, r8, r12\n\t"
                     "mov r2, r12\n\t"
                     "asrs r2, r2, #16\n\t"
                     "add r9, r9, r2\n\t"
                     "add r10, r10, lr\n\t"
                     "mov r2, lr\n\t"
                     "asrs r2, r2, #16\n\t"
                     "add r11, r11, r2\n\t"
                     "cmp r6, r7\n\t"
                     "bne 1b\n\t"
                     "pop {r0}\n\t"
                     "mov r2, r8\n\t"
                     "mov r3, r9\n\t"
                     "mov r4, r10\n\t"
                     "mov r5, r11\n\t"
                     "adds r0, #12\n\t"
                     "stm r0!, {r1, r2, r3, r4, r5}\n\t"
                     : "+r"(s)
                     :
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}
#else
/* The record's first words and blocks, for both pairs of units. */
static inline void add_blocks(state *s)
{
    const int8_t *x = s->x;
    const int32_t *k = s->k + 4;
    const uint32_t *first;

    s->even.low = (uint32_t)k[-4];
    s->even.high = k[-3];
    s->odd.low = (uint32_t)k[-2];
    s->odd.high = k[-1];
    for (first = s->first; first != s->end; ++first) {
        uint32_t even = *first;
        uint32_t odd = *first;
        int32_t i;
        for (i = 0; i < BLOCK; ++i) {
            const uint32_t input = (uint32_t)(int32_t)*x++;
            const uint32_t weights = (uint32_t)*k++;
            even += (weights & 0x00ff00ffu) * input;
            odd += ((weights >> 8) & 0x00ff00ffu) * input;
        }
        s->even = edgeq_add_lanes(s->even, even);
        s->odd = edgeq_add_lanes(s->odd, odd);
    }
    s->k = k;
}
#endif

/* The exceptions at *table, each a block of one input, and the table moved behind them. */
static inline edgeq_lane_sum add_exceptions(edgeq_lane_sum sum, const int8_t *x, const int32_t **table)
{
    const int32_t *k = *table;
    int32_t left = *k++;

    for (; left > 0; --left, k += 2) {
        sum = edgeq_add_lanes(sum, 0x8000u + (uint32_t)k[1] * (uint32_t)(int32_t)x[k[0]]);
    }
    *table = k;
    return sum;
}

/* What the sums of each block begin with; returns the end. */
static NOINLINE uint32_t *write_firsts(uint32_t *first, const int8_t *x, int32_t padded)
{
    const int8_t *const end = x + padded;

    for (; x != end; x += BLOCK) {
        const int32_t sum = x[0] + x[1] + x[2] + x[3] + x[4] + x[5] + x[6] + x[7];
        *first++ = 0x8000u - (uint32_t)sum * 0x00800080u;
    }
    return first;
}

arm_cmsis_nn_status edgeq_fully_connected_lanes_s8(const cmsis_nn_context *ctx,
                                                   const cmsis_nn_fc_params *fc_params,
                                                   const cmsis_nn_dims *input_dims,
                                                   const int8_t *input_data,
                                                   const cmsis_nn_dims *filter_dims,
                                                   const int32_t *packed,
                                                   bool is_narrow,
                                                   const cmsis_nn_dims *output_dims,
                                                   int8_t *output_data)
{
    const int32_t depth = filter_dims->n;
    const int32_t units = output_dims->c;
    const int32_t padded = (depth + BLOCK - 1) & ~(BLOCK - 1);
    const int32_t last = units - 4;
    const int32_t low = fc_params->activation.min;
    const int32_t high = fc_params->activation.max;
    const edgeq_finishing finishing = {is_narrow, low > -128 || high < 127, low, high};
    const int32_t words = edgeq_finish_words(&finishing);
    uint32_t *const firsts = ctx->buf;
    int8_t *const copy = (int8_t *)(firsts + padded / BLOCK);
    int32_t batch;

    if (input_dims->n < 1 || depth < 1 || units < 4 || firsts == NULL || !edgeq_can_finish(&finishing) ||
        ctx->size < padded / BLOCK * 4 + (padded != depth ? padded : 0)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch, input_data += depth, output_data += units) {
        state s = {input_data, firsts, firsts, packed, {0u, 0}, {0u, 0}};
        int32_t unit = 0;

        if (padded != depth) {
            /* What follows has no weight. */
            memset(copy, 0, (size_t)padded);
            memcpy(copy, input_data, (size_t)depth);
            s.x = copy;
        }
        s.end = write_firsts(firsts, s.x, padded);
        for (;;) {
            int8_t *const y = output_data + unit;

            add_blocks(&s);
            s.even = add_exceptions(s.even, s.x, &s.k);
            s.odd = add_exceptions(s.odd, s.x, &s.k);
            y[0] = edgeq_finish(&finishing, edgeq_lane_low(s.even), s.k);
            y[1] = edgeq_finish(&finishing, edgeq_lane_low(s.odd), s.k + words);
            y[2] = edgeq_finish(&finishing, s.even.high, s.k + 2 * words);
            y[3] = edgeq_finish(&finishing, s.odd.high, s.k + 3 * words);
            s.k += 4 * words;
            if (unit == last) {
                break;
            }
            /* The last record is of the last four units: it may compute some again. */
            unit = unit + 4 < last ? unit + 4 : last;
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
