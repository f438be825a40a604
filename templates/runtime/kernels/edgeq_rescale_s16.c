/* SPDX-License-Identifier: Apache-2.0 */
/* Requantization of each element, with one factor for either sign. */
#include "edgeq_fixedpoint.h"
#include "edgeq_kernels_s16.h"

/* One element: clamp(requantize(x + offset) + out_offset). */
typedef struct {
    int32_t input_offset;
    int32_t mult;
    int32_t shift;
    int32_t negative_mult;
    int32_t negative_shift;
    int32_t out_offset;
    int32_t out_activation_min;
    int32_t out_activation_max;
} rescaling;

static inline int32_t rescaled(const rescaling *r, int32_t x)
{
    const int32_t value = x + r->input_offset;
    const int32_t y = value >= 0 ? edgeq_requantize(value, r->mult, r->shift)
                                 : edgeq_requantize(value, r->negative_mult, r->negative_shift);

    /* Limiting first keeps the sum from overflowing. */
    return edgeq_clamp(y, r->out_activation_min - r->out_offset, r->out_activation_max - r->out_offset) +
           r->out_offset;
}

/* The functions differ in their types only. */
#define DEFINE_RESCALE(function, in_type, out_type)                                                               \
    arm_cmsis_nn_status function(const in_type *input, int32_t size, int32_t input_offset, int32_t mult,          \
                                 int32_t shift, int32_t negative_mult, int32_t negative_shift, int32_t out_offset, \
                                 int32_t out_activation_min, int32_t out_activation_max, out_type *output)        \
    {                                                                                                             \
        const rescaling r = {input_offset, mult,       shift,              negative_mult,                         \
                             negative_shift, out_offset, out_activation_min, out_activation_max};                 \
        int32_t i;                                                                                                \
                                                                                                                  \
        if (size < 0) {                                                                                           \
            return ARM_CMSIS_NN_ARG_ERROR;                                                                        \
        }                                                                                                         \
        for (i = 0; i < size; ++i) {                                                                              \
            output[i] = (out_type)rescaled(&r, input[i]);                                                         \
        }                                                                                                         \
        return ARM_CMSIS_NN_SUCCESS;                                                                              \
    }

DEFINE_RESCALE(edgeq_rescale_s16, int16_t, int16_t)
DEFINE_RESCALE(edgeq_rescale_s8_s16, int8_t, int16_t)
DEFINE_RESCALE(edgeq_rescale_s16_s8, int16_t, int8_t)
DEFINE_RESCALE(edgeq_rescale_s16_s32, int16_t, int32_t)
DEFINE_RESCALE(edgeq_rescale_s32_s8, int32_t, int8_t)
DEFINE_RESCALE(edgeq_rescale_s32_s16, int32_t, int16_t)
