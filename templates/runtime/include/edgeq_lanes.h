/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two products of one 32-bit multiplication, for cores without the DSP extension; see edgeq's kernels/lane_blocks.py for
 * the arithmetic and why it is exact.
 *
 * A stream holds five words for every block of four inputs: 2^15 - 128 * (the sum of the others), and four words
 * x0 + x1 * 2^16 of two images, modulo 2^32. A table holds weights plus 128, as bytes, in words.
 */
#ifndef EDGEQ_LANES_H
#define EDGEQ_LANES_H

#include <stdint.h>

#include "edgeq_fixedpoint.h"

/* Words of the stream per block. */
#define EDGEQ_BLOCK_WORDS 5

/* Where the sums of one channel are: `high` is that of image 1, the one of image 0 is low - high * 2^16. */
typedef struct {
    uint32_t low;
    int32_t high;
} edgeq_lane_sum;

/* What edgeq_add_lane_record works with. The assembly below knows the order. */
typedef struct {
    const uint32_t *x;   /* the stream, an even number of blocks, at least two */
    const uint32_t *end; /* of the stream */
    const int32_t *k;    /* the record; moved behind its exceptions */
    edgeq_lane_sum a;    /* the sums of its channels */
    edgeq_lane_sum b;
} edgeq_lane_state;

static inline edgeq_lane_sum edgeq_add_lanes(edgeq_lane_sum sum, uint32_t block)
{
    sum.low += block;
    sum.high += edgeq_wrap_s32(block) >> 16;
    return sum;
}

#if defined(__arm__) && !defined(__ARM_FEATURE_DSP)

/* By hand: it takes all registers. */
#if __ARM_ARCH >= 7
/* r0 stream, r1 its end, r2 table, r3 block of b, r4-r7 inputs, r8 block of a, r9 weight; r10, r11, r12, lr sums. */
#define EDGEQ_LANE_BLOCK             \
    "ldm r0!, {r3-r7}\n\t"           \
    "ldrb r8, [r2], #1\n\t"          \
    "mla r8, r8, r4, r3\n\t"         \
    "ldrb r9, [r2], #1\n\t"          \
    "mla r8, r9, r5, r8\n\t"         \
    "ldrb r9, [r2], #1\n\t"          \
    "mla r8, r9, r6, r8\n\t"         \
    "ldrb r9, [r2], #1\n\t"          \
    "mla r8, r9, r7, r8\n\t"         \
    "ldrb r9, [r2], #1\n\t"          \
    "mla r3, r9, r4, r3\n\t"         \
    "ldrb r9, [r2], #1\n\t"          \
    "mla r3, r9, r5, r3\n\t"         \
    "ldrb r9, [r2], #1\n\t"          \
    "mla r3, r9, r6, r3\n\t"         \
    "ldrb r9, [r2], #1\n\t"          \
    "mla r3, r9, r7, r3\n\t"         \
    "add r10, r10, r8\n\t"           \
    "add r11, r11, r8, asr #16\n\t"  \
    "add r12, r12, r3\n\t"           \
    "add lr, lr, r3, asr #16\n\t"
/* r3 their number, r2 table, r7 stream, r8 2^15. */
#define EDGEQ_LANE_EXCEPTIONS_OF(low, high, loop, done)     \
    "beq " done "f\n"                                       \
    loop ":\n\t"                                            \
    "ldr r4, [r2], #4\n\t"                                  \
    "uxth r5, r4\n\t"                                       \
    "ldr r5, [r7, r5]\n\t"                                  \
    "asrs r4, r4, #16\n\t"                                  \
    "mla r4, r4, r5, r8\n\t"                                \
    "add " low ", " low ", r4\n\t"                          \
    "add " high ", " high ", r4, asr #16\n\t"               \
    "subs r3, r3, #1\n\t"                                   \
    "bne " loop "b\n"                                       \
    done ":\n\t"
/* Those of both channels; the state is on the stack. Takes r3-r8. */
#define EDGEQ_LANE_EXCEPTIONS                                         \
    "ldr r6, [r2], #4\n\t"                                            \
    "cbz r6, 6f\n\t"                                                  \
    "ldr r7, [sp]\n\t"                                                \
    "ldr r7, [r7]\n\t"                                                \
    "mov r8, #0x8000\n\t"                                             \
    "lsls r3, r6, #16\n\t"                                            \
    "lsr r3, r3, #16\n\t" EDGEQ_LANE_EXCEPTIONS_OF("r10", "r11", "2", "3") \
    "lsrs r3, r6, #16\n\t" EDGEQ_LANE_EXCEPTIONS_OF("r12", "lr", "4", "5") \
    "6:\n\t"

static inline void edgeq_add_lane_record(edgeq_lane_state *state)
{
    register edgeq_lane_state *s __asm__("r0") = state;

    __asm__ volatile("push {r0}\n\t"
                     "ldm r0, {r0, r1, r2}\n\t"
                     "ldm r2!, {r10, r11, r12, lr}\n"
                     "1:\n\t" EDGEQ_LANE_BLOCK EDGEQ_LANE_BLOCK
                     "cmp r0, r1\n\t"
                     "bne 1b\n\t"
                     EDGEQ_LANE_EXCEPTIONS
                     "pop {r9}\n\t"
                     "add r9, r9, #8\n\t"
                     "stm r9, {r2, r10, r11, r12, lr}\n\t"
                     : "+r"(s)
                     :
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}
#else
/* r0 stream, r1 table, r2 product, r3 block, r4-r7 inputs; r8, r9, r10, r11 sums, r12 end, lr start of the block. */
#define EDGEQ_LANE_WEIGHT(at, x)      \
    "ldrb r2, [r1, #" at "]\n\t"      \
    "muls r2, " x ", r2\n\t"          \
    "adds r3, r3, r2\n\t"
#define EDGEQ_LANE_BLOCK(a0, a1, a2, a3, b0, b1, b2, b3)                                                        \
    "ldm r0!, {r3-r7}\n\t"                                                                                      \
    "mov lr, r3\n\t" EDGEQ_LANE_WEIGHT(a0, "r4") EDGEQ_LANE_WEIGHT(a1, "r5") EDGEQ_LANE_WEIGHT(a2, "r6")        \
        EDGEQ_LANE_WEIGHT(a3, "r7")                                                                             \
    "add r8, r8, r3\n\t"                                                                                        \
    "asrs r3, r3, #16\n\t"                                                                                      \
    "add r9, r9, r3\n\t"                                                                                        \
    "mov r3, lr\n\t" EDGEQ_LANE_WEIGHT(b0, "r4") EDGEQ_LANE_WEIGHT(b1, "r5") EDGEQ_LANE_WEIGHT(b2, "r6")        \
        EDGEQ_LANE_WEIGHT(b3, "r7")                                                                             \
    "add r10, r10, r3\n\t"                                                                                      \
    "asrs r3, r3, #16\n\t"                                                                                      \
    "add r11, r11, r3\n\t"

/* r3 their number, r0 stream, r1 table, r6 2^15. */
#define EDGEQ_LANE_EXCEPTIONS_OF(low, high, loop, done)     \
    "beq " done "f\n"                                       \
    loop ":\n\t"                                            \
    "ldm r1!, {r4}\n\t"                                     \
    "uxth r5, r4\n\t"                                       \
    "ldr r5, [r0, r5]\n\t"                                  \
    "asrs r4, r4, #16\n\t"                                  \
    "muls r4, r5, r4\n\t"                                   \
    "adds r4, r4, r6\n\t"                                   \
    "add " low ", " low ", r4\n\t"                          \
    "asrs r4, r4, #16\n\t"                                  \
    "add " high ", " high ", r4\n\t"                        \
    "subs r3, r3, #1\n\t"                                   \
    "bne " loop "b\n"                                       \
    done ":\n\t"
/* Those of both channels; the state is on the stack. Takes r0, r3-r7. */
#define EDGEQ_LANE_EXCEPTIONS                                           \
    "ldm r1!, {r7}\n\t"                                                 \
    "cmp r7, #0\n\t"                                                    \
    "beq 10f\n\t"                                                       \
    "ldr r0, [sp]\n\t"                                                  \
    "ldr r0, [r0]\n\t"                                                  \
    "movs r6, #128\n\t"                                                 \
    "lsls r6, r6, #8\n\t"                                               \
    "lsls r3, r7, #16\n\t"                                              \
    "lsrs r3, r3, #16\n\t" EDGEQ_LANE_EXCEPTIONS_OF("r8", "r9", "2", "3")  \
    "lsrs r3, r7, #16\n\t" EDGEQ_LANE_EXCEPTIONS_OF("r10", "r11", "4", "5") \
    "10:\n\t"

static inline void edgeq_add_lane_record(edgeq_lane_state *state)
{
    register edgeq_lane_state *s __asm__("r0") = state;

    __asm__ volatile(".syntax unified\n\t"
                     "push {r0}\n\t"
                     "ldm r0!, {r1, r2, r3}\n\t"
                     "mov r0, r1\n\t"
                     "mov r12, r2\n\t"
                     "mov r1, r3\n\t"
                     "ldm r1!, {r4, r5, r6, r7}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "mov r11, r7\n"
                     "1:\n\t" EDGEQ_LANE_BLOCK("0", "1", "2", "3", "4", "5", "6", "7")
                         EDGEQ_LANE_BLOCK("8", "9", "10", "11", "12", "13", "14", "15")
                     "adds r1, #16\n\t"
                     "cmp r0, r12\n\t"
                     "bne 1b\n\t" EDGEQ_LANE_EXCEPTIONS
                     "pop {r0}\n\t"
                     "mov r4, r8\n\t"
                     "mov r5, r9\n\t"
                     "mov r6, r10\n\t"
                     "mov r7, r11\n\t"
                     "adds r0, #8\n\t"
                     "stm r0!, {r1, r4, r5, r6, r7}\n\t"
                     : "+r"(s)
                     :
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}
#endif

#else

/* Adds `left` exceptions at k, each a block of one weight; returns what follows them. */
static inline const int32_t *edgeq_add_exceptions(edgeq_lane_sum *sum, const uint32_t *stream, const int32_t *k,
                                                  int32_t left)
{
    for (; left > 0; --left) {
        const int32_t exception = *k++;
        const uint32_t x = stream[(exception & 0xffff) / 4];
        *sum = edgeq_add_lanes(*sum, 0x8000u + (uint32_t)(exception >> 16) * x);
    }
    return k;
}

/* Those of both channels: their numbers, that of a in the low half of a word, then themselves. */
static inline void edgeq_add_all_exceptions(edgeq_lane_state *state)
{
    const int32_t count = *state->k++;

    if (count != 0) {
        state->k = edgeq_add_exceptions(&state->a, state->x, state->k, count & 0xffff);
        state->k = edgeq_add_exceptions(&state->b, state->x, state->k, (count >> 16) & 0xffff);
    }
}

static inline uint32_t edgeq_lane_block(const uint32_t *x, uint32_t weights)
{
    uint32_t sum = x[0];
    int32_t i;

    for (i = 0; i < 4; ++i, weights >>= 8) {
        sum += (weights & 0xffu) * x[1 + i];
    }
    return sum;
}

/* The sums of two channels: the record's first words, its blocks, its exceptions. */
static inline void edgeq_add_lane_record(edgeq_lane_state *state)
{
    const uint32_t *x = state->x;
    const int32_t *k = state->k + 4;

    state->a.low = (uint32_t)k[-4];
    state->a.high = k[-3];
    state->b.low = (uint32_t)k[-2];
    state->b.high = k[-1];
    for (; x != state->end; x += EDGEQ_BLOCK_WORDS, k += 2) {
        state->a = edgeq_add_lanes(state->a, edgeq_lane_block(x, (uint32_t)k[0]));
        state->b = edgeq_add_lanes(state->b, edgeq_lane_block(x, (uint32_t)k[1]));
    }
    state->k = k;
    edgeq_add_all_exceptions(state);
}

#endif

/* The sum of image 0. */
static inline int32_t edgeq_lane_low(edgeq_lane_sum sum)
{
    return edgeq_wrap_s32(sum.low - ((uint32_t)sum.high << 16));
}

/* Writes so many blocks of two images' inputs; returns the end. */
#if defined(__arm__) && !defined(__ARM_FEATURE_DSP) && __ARM_ARCH >= 7
/* r4 the block's constant, r5-r8 its words, r9 input or sum. */
#define EDGEQ_LANE_INPUT(word)         \
    "ldrsb " word ", [%[x0]], #1\n\t"  \
    "ldrsb r9, [%[x1]], #1\n\t"        \
    "add " word ", " word ", r9, lsl #16\n\t"

static inline uint32_t *edgeq_write_stream(uint32_t *stream, const int8_t *x0, const int8_t *x1, int32_t blocks)
{
    if (blocks > 0) {
        __asm__ volatile("1:\n\t" EDGEQ_LANE_INPUT("r5") EDGEQ_LANE_INPUT("r6") EDGEQ_LANE_INPUT("r7")
                             EDGEQ_LANE_INPUT("r8")
                         "add r9, r5, r6\n\t"
                         "add r9, r9, r7\n\t"
                         "add r9, r9, r8\n\t"
                         "sub r4, %[first], r9, lsl #7\n\t"
                         "stm %[stream]!, {r4, r5, r6, r7, r8}\n\t"
                         "subs %[blocks], %[blocks], #1\n\t"
                         "bne 1b\n\t"
                         : [stream] "+r"(stream), [x0] "+r"(x0), [x1] "+r"(x1), [blocks] "+r"(blocks)
                         : [first] "r"(0x8000u)
                         : "r4", "r5", "r6", "r7", "r8", "r9", "cc", "memory");
    }
    return stream;
}
#else
static inline uint32_t *edgeq_write_stream(uint32_t *stream, const int8_t *x0, const int8_t *x1, int32_t blocks)
{
    for (; blocks > 0; --blocks, x0 += 4, x1 += 4, stream += EDGEQ_BLOCK_WORDS) {
        const uint32_t a = (uint32_t)(int32_t)x0[0] + ((uint32_t)(int32_t)x1[0] << 16);
        const uint32_t b = (uint32_t)(int32_t)x0[1] + ((uint32_t)(int32_t)x1[1] << 16);
        const uint32_t c = (uint32_t)(int32_t)x0[2] + ((uint32_t)(int32_t)x1[2] << 16);
        const uint32_t d = (uint32_t)(int32_t)x0[3] + ((uint32_t)(int32_t)x1[3] << 16);
        stream[0] = 0x8000u - ((a + b + c + d) << 7);
        stream[1] = a;
        stream[2] = b;
        stream[3] = c;
        stream[4] = d;
    }
    return stream;
}
#endif

#endif
