/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of depthwise convolutions with weights of -1, 0 and 1 for cores with the DSP extension. */
#ifndef EDGEQ_NARROW_H
#define EDGEQ_NARROW_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Weights of two bits or one each, and by channel a multiplier, an addend and, where there are gaps, a gap: made by edgeq
 * (kernels/narrow_filters.py), used as edgeq_half_sums.h says.
 */
typedef struct {
    const int8_t *packed;
    const int32_t *quant;
    int32_t middle;
    bool is_binary;
    bool has_gaps;
} edgeq_narrow_filters;

#endif
