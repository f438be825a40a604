/* SPDX-License-Identifier: Apache-2.0 */
/* Where a pixel of a scaled image lies in the original. */
#ifndef EDGEQ_RESIZE_H
#define EDGEQ_RESIZE_H

#include <stdint.h>

enum { EDGEQ_POSITION_BITS = 10, EDGEQ_PIXEL = 1 << EDGEQ_POSITION_BITS };

/* The two pixels that a position, in 1/1024 pixels, lies between, and how far behind the first it is. */
typedef struct {
    int32_t low;
    int32_t high;
    int32_t weight;
} edgeq_neighbours;

static inline edgeq_neighbours edgeq_neighbours_of(int32_t position, int32_t size)
{
    edgeq_neighbours n;
    const int32_t above = (position + EDGEQ_PIXEL - 1) / EDGEQ_PIXEL;

    n.low = position > 0 ? position / EDGEQ_PIXEL : 0;
    n.high = above < size ? above : size - 1;
    n.weight = position - n.low * EDGEQ_PIXEL;
    return n;
}

#endif
