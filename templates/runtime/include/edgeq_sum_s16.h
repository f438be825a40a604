/* SPDX-License-Identifier: Apache-2.0 */
/* What 16-bit layers do with a sum of products. */
#ifndef EDGEQ_SUM_S16_H
#define EDGEQ_SUM_S16_H

#include <stddef.h>

#include "arm_nn_types.h"
#include "edgeq_fixedpoint.h"

/* Bias, factors and limits of a layer. With a narrow bias the accumulator has 32 bits, otherwise 64. */
typedef struct {
    const int32_t *narrow_bias;
    const int64_t *wide_bias; /* may be null */
    const int32_t *multiplier;
    const int32_t *shift;
    cmsis_nn_activation activation;
} edgeq_finish_s16;

/* The result of `sum` in channel o, whose factor is the one at `factor`. */
static inline int16_t edgeq_finished_s16(const edgeq_finish_s16 *f, int64_t sum, int32_t o, int32_t factor)
{
    int32_t y;

    if (f->narrow_bias != NULL) {
        y = edgeq_requantize((int32_t)(sum + f->narrow_bias[o]), f->multiplier[factor], f->shift[factor]);
    } else {
        const int64_t biased = f->wide_bias != NULL ? sum + f->wide_bias[o] : sum;
        y = edgeq_requantize_wide(biased, f->multiplier[factor], f->shift[factor]);
    }
    return (int16_t)edgeq_clamp(y, f->activation.min, f->activation.max);
}

/* Adds the products of `count` neighbours: two at a time would not be faster without knowing that they fit 32 bits. */
static inline int64_t edgeq_dot_s16(int64_t sum, const int16_t *x, const int8_t *w, int32_t count)
{
    int32_t i;

    for (i = 0; i < count; ++i) {
        sum += (int32_t)x[i] * w[i];
    }
    return sum;
}

#endif
