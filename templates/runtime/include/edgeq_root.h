/* SPDX-License-Identifier: Apache-2.0 */
/* Square roots of 64-bit integers. */
#ifndef EDGEQ_ROOT_H
#define EDGEQ_ROOT_H

#include <stdint.h>

/* The largest integer whose square is not above x; x below 2^62. Bit by bit, from the highest. */
static inline uint32_t edgeq_root(uint64_t x)
{
    uint64_t rest = x;
    uint64_t root = 0;
    uint64_t bit = (uint64_t)1 << 60;

    for (; bit != 0u; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint32_t)root;
}

/*
 * 1 / sqrt(x) as result * 2^-shift, x in [1, 2^62): x is brought to [2^60, 2^62) by an even shift, its root's
 * reciprocal is one division. The result lies in (2^31, 2^32], shift in [32, 62]; the relative error is below 2^-29.
 */
static inline int64_t edgeq_reciprocal_root(int64_t x, int32_t *shift)
{
    uint64_t normalized = (uint64_t)x;

    *shift = 62;
    while (normalized < ((uint64_t)1 << 60)) {
        normalized <<= 2;
        --*shift;
    }
    return (int64_t)(((uint64_t)1 << 62) / edgeq_root(normalized));
}

#endif
