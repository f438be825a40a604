/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How words hold the weights of two channels a and b for cores with the DSP extension, and how their sums are told apart.
 * Whoever includes it says by EDGEQ_WEIGHT_BITS whether weights are ternary (2) or binary (1).
 *
 * A step is two inputs of two channels. A word, turned to the right by as many bits as belong to a step and masked, holds
 * it: in the lowest two bits of a lane a + 1, in its highest two b. Those of ternary weights are all bits, those of binary
 * ones every other: the higher of the two, as a + 1 is 0 or 2, and the sign of 2^14 (b - 1). So a lane less EDGEQ_LESS is
 * 2^14 b + a, one SMLAD counts for four MACs, and the sum of b x lies 14 bits above that of a x.
 *
 * A sum of ternary weights has to fit its 14 bits. Sums of binary ones are both even or both odd, as that of x is, so bit
 * 14 of the two together tells the bit above: the lower may have 15.
 */
#ifndef EDGEQ_NARROW_FIELDS_H
#define EDGEQ_NARROW_FIELDS_H

#include <stdint.h>

#include "edgeq_dsp.h"

#if EDGEQ_WEIGHT_BITS == 1
#define EDGEQ_FIELDS 0x80028002u
#define EDGEQ_LESS (-16383) /* 1 - 2^14 */
#define EDGEQ_STEPS 8 /* in a word */
#define EDGEQ_LOW_BITS 15
#else
#define EDGEQ_FIELDS 0xc003c003u
#define EDGEQ_LESS 1
#define EDGEQ_STEPS 4
#define EDGEQ_LOW_BITS 14
#endif
/* In both lanes. */
#define EDGEQ_LESS_LANES (((uint32_t)EDGEQ_LESS & 0xffffu) * 0x10001u)

/* A word of that many steps turned to the one of that number: by 0, 4, 8, 12, 1, 5, 9, 13 bits. */
static inline uint32_t edgeq_narrow_step(uint32_t word, int32_t step)
{
    const uint32_t turn = 4u * ((uint32_t)step & 3u) + ((uint32_t)step >> 2);
    return (word >> turn | word << ((32u - turn) & 31u)) & EDGEQ_FIELDS;
}

/* What has the lower sum, with its sign, in its lowest EDGEQ_LOW_BITS. */
static inline uint32_t edgeq_narrow_low(uint32_t joint)
{
    return EDGEQ_WEIGHT_BITS == 1 ? joint - (joint << 14) : joint;
}

/* The lower sum times 2^(32 - EDGEQ_LOW_BITS), and the higher one times 2^14. */
static inline int32_t edgeq_narrow_first(uint32_t joint)
{
    return edgeq_wrap_s32(edgeq_narrow_low(joint) << (32 - EDGEQ_LOW_BITS));
}

/* How far the former is shifted to the right to be doubled; the latter is by 13. */
#define EDGEQ_FIRST_TWICE (31 - EDGEQ_LOW_BITS)

static inline int32_t edgeq_narrow_second(uint32_t joint, int32_t first)
{
    return edgeq_wrap_s32(joint - (uint32_t)(first >> (32 - EDGEQ_LOW_BITS)));
}

#endif
