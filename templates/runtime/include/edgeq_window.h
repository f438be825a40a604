/* SPDX-License-Identifier: Apache-2.0 */
/* Where a sliding window lies on the image: the part of it that needs no bounds test. */
#ifndef EDGEQ_WINDOW_H
#define EDGEQ_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* Whether what is common has code of its own beside the code for everything: not where code is to be small. */
#if defined(EDGEQ_SMALL)
#define EDGEQ_HAS_SHORT_CUTS false
#else
#define EDGEQ_HAS_SHORT_CUTS true
#endif

/* A function apart keeps its own registers. */
#define EDGEQ_NOINLINE __attribute__((noinline))

/* Taps first ... end - 1 of a window lie inside the image; end <= first where none does. */
typedef struct {
    int32_t first;
    int32_t end;
} edgeq_taps;

/*
 * The taps inside [0, extent) of a window of `size` taps, `dilation` >= 1 apart, whose tap 0 is at `origin`.
 */
static inline edgeq_taps edgeq_clip_taps(int32_t origin, int32_t extent, int32_t size, int32_t dilation)
{
    edgeq_taps taps;
    taps.first = origin < 0 ? (dilation - 1 - origin) / dilation : 0;
    taps.end = origin < extent ? (extent - origin + dilation - 1) / dilation : 0;
    if (taps.end > size) {
        taps.end = size;
    }
    return taps;
}

#endif
