/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernels for cores with the vector extension (MVE) share: requantization of four channels at once, and bytes
 * copied by vectors. Every function is vector instructions there and portable C elsewhere, with equal results.
 */
#ifndef EDGEQ_MVE_H
#define EDGEQ_MVE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "edgeq_fixedpoint.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

/* A function apart keeps its own registers. */
#define EDGEQ_NOINLINE __attribute__((noinline))
#define EDGEQ_ALWAYS_INLINE inline __attribute__((always_inline))

/* Of a table: a file that has others says so before it includes this. */
#if !defined(EDGEQ_WEIGHT_BITS)
#define EDGEQ_WEIGHT_BITS 8
#endif
/* Words of sixteen weights of four channels. */
#define EDGEQ_STEP_WORDS (2 * EDGEQ_WEIGHT_BITS)
/* How many channels share a byte of a table, the first one's weights above. */
#define EDGEQ_CHANNELS_TO_A_BYTE (8 / EDGEQ_WEIGHT_BITS)
/* Weights of few values have large scales: factors may be a half and more. */
#define EDGEQ_MAY_SHIFT_LEFT (EDGEQ_WEIGHT_BITS < 4)

/* How the sums of a layer become int8, beside what its table says of each channel. */
typedef struct {
    int32_t offset; /* of the output */
    int32_t low;    /* of the activation */
    int32_t high;
} edgeq_output;

/* A result below the output's offset is limited to it or to more, so that it does not matter how it was rounded. */
static inline bool edgeq_is_rectified(edgeq_output out)
{
    return out.low >= out.offset;
}

#if defined(__ARM_FEATURE_MVE)

/*
 * edgeq_requantize of four sums, lane by lane, for shift <= 0 as VRSHL takes it:
 *   round(x * m / 2^31), ties up, is VQRDMULH;
 *   round(y / 2^s), ties away from zero, is VRSHL (ties up) of y - [y < 0] where s >= 1.
 * Where the result is rectified, negative y give the same whichever way their ties fall.
 */
static EDGEQ_ALWAYS_INLINE int32x4_t edgeq_requantize_x4(int32x4_t x, int32x4_t multiplier, int32x4_t shift,
                                                         bool is_rectified)
{
    const int32x4_t y = vqrdmulhq_s32(x, multiplier);
    return vrshlq_s32(is_rectified ? y : vaddq_s32(y, vshrq_n_s32(y, 31)), shift);
}

/* The same where shifts to the left come before: a lane has one to the left or one to the right. */
static EDGEQ_ALWAYS_INLINE int32x4_t edgeq_requantize_left_x4(int32x4_t x, int32x4_t left, int32x4_t multiplier,
                                                              int32x4_t right)
{
    const int32x4_t y = vqrdmulhq_s32(vshlq_s32(x, left), multiplier);
    return vrshlq_s32(vaddq_s32(y, vshrq_n_s32(vandq_s32(y, right), 31)), right);
}

/* Four results into the low bytes of the lanes, offset and limited. */
static EDGEQ_ALWAYS_INLINE int32x4_t edgeq_limit_x4(int32x4_t y, edgeq_output out)
{
    return vminq_s32(vmaxq_s32(vaddq_n_s32(y, out.offset), vdupq_n_s32(out.low)), vdupq_n_s32(out.high));
}

/* Sixteen bytes at a time; the loop leaves those of the last vector alone that are beyond `count`, 0 or more. */
static inline void edgeq_mve_copy(int8_t *to, const int8_t *from, int32_t count)
{
    int8x16_t bytes;

    __asm__ volatile("wlstp.8 lr, %[count], 2f\n"
                     "1:\n\t"
                     "vldrb.u8 %q[bytes], [%[from]], #16\n\t"
                     "vstrb.8 %q[bytes], [%[to]], #16\n\t"
                     "letp lr, 1b\n"
                     "2:"
                     : [bytes] "=&w"(bytes), [to] "+r"(to), [from] "+r"(from)
                     : [count] "r"(count)
                     : "lr", "memory");
}

static inline void edgeq_mve_fill(int8_t *to, int32_t value, int32_t count)
{
    __asm__ volatile("wlstp.8 lr, %[count], 2f\n"
                     "1:\n\t"
                     "vstrb.8 %q[bytes], [%[to]], #16\n\t"
                     "letp lr, 1b\n"
                     "2:"
                     : [to] "+r"(to)
                     : [count] "r"(count), [bytes] "w"(vdupq_n_s8((int8_t)value))
                     : "lr", "memory");
}

/* 1 for every byte that reaches the threshold, -1 for the others. */
static inline void edgeq_mve_signs(int8_t *to, const int8_t *from, int32_t threshold, int32_t count)
{
    int8x16_t bytes;

    __asm__ volatile("wlstp.8 lr, %[count], 2f\n"
                     "1:\n\t"
                     "vldrb.u8 %q[bytes], [%[from]], #16\n\t"
                     "vcmp.s8 ge, %q[bytes], %[threshold]\n\t"
                     "vpsel %q[bytes], %q[above], %q[below]\n\t"
                     "vstrb.8 %q[bytes], [%[to]], #16\n\t"
                     "letp lr, 1b\n"
                     "2:"
                     : [bytes] "=&w"(bytes), [to] "+r"(to), [from] "+r"(from)
                     : [count] "r"(count), [threshold] "r"(threshold), [above] "w"(vdupq_n_s8(1)),
                       [below] "w"(vdupq_n_s8(-1))
                     : "lr", "memory");
}

#else

static inline void edgeq_mve_signs(int8_t *to, const int8_t *from, int32_t threshold, int32_t count)
{
    int32_t i;

    for (i = 0; i < count; ++i) {
        to[i] = from[i] >= threshold ? 1 : -1;
    }
}

static inline void edgeq_mve_copy(int8_t *to, const int8_t *from, int32_t count)
{
    if (count > 0) {
        memcpy(to, from, (size_t)count);
    }
}

static inline void edgeq_mve_fill(int8_t *to, int32_t value, int32_t count)
{
    if (count > 0) {
        memset(to, value, (size_t)count);
    }
}

#endif

/* A byte of a table of words: the first of four in a word is the lowest, on any host. */
static inline int32_t edgeq_table_byte(const int32_t *table, int32_t byte)
{
    const uint32_t bits = ((uint32_t)table[byte / 4] >> (8 * (byte % 4))) & 0xffu;
    return (int32_t)bits - (bits >= 0x80u ? 0x100 : 0);
}

/* The factor of a lane's sum at a byte of a table: the weights of its channel and of those that are above it there. */
static inline int32_t edgeq_joint_weight(const int32_t *table, int32_t byte, int32_t lane)
{
    const int32_t below = EDGEQ_CHANNELS_TO_A_BYTE - 1 - lane % EDGEQ_CHANNELS_TO_A_BYTE;
    const int32_t shift = EDGEQ_WEIGHT_BITS * below;
    const int32_t rounded = edgeq_table_byte(table, byte) + (1 << shift >> 1);
    return ((rounded + 256) >> shift) - (256 >> shift);
}

/* The sum of a channel from the one that its lane has and, where others are above it in its bytes, the lane before. */
static inline int32_t edgeq_take_apart(int32_t sum, int32_t before)
{
    return sum - before * (1 << EDGEQ_WEIGHT_BITS);
}

static inline int8_t edgeq_finish_one(int32_t sum, int32_t multiplier, int32_t shift, edgeq_output out)
{
    return edgeq_saturate_s8(edgeq_requantize(sum, multiplier, shift), out.offset, out.low, out.high);
}

/* Words by which a record's sums are requantized: shifts to the left where there are any, multipliers, other shifts. */
static inline int32_t edgeq_quant_words(bool has_left)
{
    return has_left ? 12 : 8;
}

/* A lane's sum by such words. */
static inline int8_t edgeq_finish_lane(int32_t sum, const int32_t *quant, int32_t lane, bool has_left, edgeq_output out)
{
    const int32_t *const rest = has_left ? quant + 4 : quant;
    const int32_t shift = rest[4 + lane] + (has_left ? quant[lane] : 0);

    return edgeq_finish_one(sum, rest[lane], shift, out);
}

#endif
