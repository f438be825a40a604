/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementwise sum for cores with the vector extension, four elements at a time.
 *
 * Both operands are brought to twice the larger scale, at which that operand is just halved: no multiplication, and
 * nothing to round.
 */
#include "edgeq_kernels_mve.h"
#include "edgeq_mve.h"

#if defined(__ARM_FEATURE_MVE)

/* What stays the same from element to element. */
typedef struct {
    int32x4_t half;     /* 2^(left_shift - 1), and its product with the halved operand's offset */
    int32_t half_start;
    int32x4_t whole;    /* 2^left_shift, and its product with the other's offset */
    int32_t whole_start;
    int32_t multiplier; /* of the other operand */
    int32_t shift;
    int32_t correction; /* whether the shift rounds: 0 or 1 */
    int32_t out_multiplier;
    int32_t out_shift;
    edgeq_output out;
} sum;

static EDGEQ_ALWAYS_INLINE int32x4_t add_four(const sum *s, int32x4_t halved, int32x4_t scaled, bool is_rectified)
{
    int32x4_t y = vqrdmulhq_n_s32(vmlasq_n_s32(scaled, s->whole, s->whole_start), s->multiplier);

    /* y - [y < 0]; see edgeq_requantize_x4. */
    y = vrshlq_n_s32(vmlaq_n_s32(y, vshrq_n_s32(y, 31), s->correction), s->shift);
    y = vqrdmulhq_n_s32(vaddq_s32(vmlasq_n_s32(halved, s->half, s->half_start), y), s->out_multiplier);
    y = vrshlq_n_s32(is_rectified ? y : vaddq_s32(y, vshrq_n_s32(y, 31)), s->out_shift);
    return edgeq_limit_x4(y, s->out);
}

static EDGEQ_ALWAYS_INLINE void add(const sum *of, const int8_t *halved, const int8_t *scaled, int8_t *output,
                                    int32_t size, bool is_rectified)
{
    const sum s = *of;

    for (; size >= 4; size -= 4, halved += 4, scaled += 4, output += 4) {
        vstrbq_s32(output, add_four(&s, vldrbq_s32(halved), vldrbq_s32(scaled), is_rectified));
    }
    if (size > 0) {
        const mve_pred16_t p = vctp32q((uint32_t)size);
        vstrbq_p_s32(output, add_four(&s, vldrbq_z_s32(halved, p), vldrbq_z_s32(scaled, p), is_rectified), p);
    }
}

#endif

arm_cmsis_nn_status edgeq_add_mve_s8(const int8_t *halved,
                                     const int8_t *scaled,
                                     int32_t halved_offset,
                                     int32_t scaled_offset,
                                     int32_t scaled_mult,
                                     int32_t scaled_shift,
                                     int32_t left_shift,
                                     int8_t *output,
                                     int32_t out_offset,
                                     int32_t out_mult,
                                     int32_t out_shift,
                                     int32_t out_activation_min,
                                     int32_t out_activation_max,
                                     int32_t block_size)
{
    const edgeq_output out = {out_offset, out_activation_min, out_activation_max};
#if defined(__ARM_FEATURE_MVE)
    sum s;

    s.half = vdupq_n_s32((int32_t)1 << (left_shift - 1));
    s.half_start = edgeq_shift_left(halved_offset, left_shift - 1);
    s.whole = vdupq_n_s32((int32_t)1 << left_shift);
    s.whole_start = edgeq_shift_left(scaled_offset, left_shift);
    s.multiplier = scaled_mult;
    s.shift = scaled_shift;
    s.correction = scaled_shift < 0 ? 1 : 0;
    s.out_multiplier = out_mult;
    s.out_shift = out_shift;
    s.out = out;
    if (out_shift >= 0 || scaled_shift > 0 || left_shift < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    if (edgeq_is_rectified(out)) {
        add(&s, halved, scaled, output, block_size, true);
    } else {
        add(&s, halved, scaled, output, block_size, false);
    }
#else
    int32_t i;

    if (out_shift >= 0 || scaled_shift > 0 || left_shift < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < block_size; ++i) {
        const int32_t a = edgeq_shift_left(halved[i] + halved_offset, left_shift - 1);
        const int32_t b = edgeq_shift_left(scaled[i] + scaled_offset, left_shift);
        output[i] = edgeq_finish_one(a + edgeq_requantize(b, scaled_mult, scaled_shift), out_mult, out_shift, out);
    }
#endif
    return ARM_CMSIS_NN_SUCCESS;
}
