/* SPDX-License-Identifier: Apache-2.0 */
/* The two passes of edgeq_ranging.h for four neighbouring channels at once; portable C where there are no vectors. */
#ifndef EDGEQ_RANGING_MVE_H
#define EDGEQ_RANGING_MVE_H

#include "edgeq_mve.h"
#include "edgeq_ranging.h"

#if defined(__ARM_FEATURE_MVE)

static inline void edgeq_widen_extremes_x4(edgeq_extremes *e, int32x4_t acc)
{
    int32x4x2_t found = vld2q_s32((const int32_t *)e);

    found.val[0] = vminq_s32(found.val[0], acc);
    found.val[1] = vmaxq_s32(found.val[1], acc);
    vst2q_s32((int32_t *)e, found);
}

/* edgeq_ranged_results where all is usual: what it multiplies fits 32 bits, since products stay below 2^29. */
static inline bool edgeq_usual_results_x4(const edgeq_ranging *r, edgeq_block_steps s, int32x4_t acc, int32_t channel,
                                          int8_t *y)
{
    const int32x4_t up = vaddq_n_s32(vldrwq_s32(r->sums.shift + channel), 1);
    int32x4_t v = vaddq_s32(acc, vldrwq_s32(r->offsets + channel));

    if (!s.is_usual || vcmpltq_n_s32(up, 1) != 0) {
        return false;
    }
    v = vrmulhq_s32(vqshlq_s32(v, up), vldrwq_s32(r->sums.mult + channel));
    v = vmulhq_s32(vaddq_s32(v, vldrwq_s32(r->sums.bias + channel)), vdupq_n_s32(s.factor));
    v = vaddq_n_s32(vshlq_r_s32(vaddq_n_s32(v, s.half), -s.bits), s.zero_point);
    v = vminq_s32(vmaxq_s32(v, vdupq_n_s32(-128)), vdupq_n_s32(127));
    vstrbq_s32(y, v);
    return true;
}

/* The sums of four channels of a pixel in either pass. */
static inline void edgeq_take_x4(edgeq_ranging *r, edgeq_block_steps s, int32x4_t acc, int32_t channel, int8_t *y)
{
    if (!r->is_second) {
        edgeq_widen_extremes_x4(r->extremes + channel, acc);
    } else if (!edgeq_usual_results_x4(r, s, acc, channel, y)) {
        int32_t each[4];
        int32_t i;

        vst1q_s32(each, acc);
        for (i = 0; i < 4; ++i) {
            edgeq_ranged_results(r, s, each + i, 1, channel + i, y + i, 1);
        }
    }
}

#else

static inline void edgeq_take_x4(edgeq_ranging *r, edgeq_block_steps s, const int32_t *acc, int32_t channel, int8_t *y)
{
    int32_t i;

    for (i = 0; i < 4; ++i) {
        if (r->is_second) {
            edgeq_ranged_results(r, s, acc + i, 1, channel + i, y + i, 1);
        } else {
            edgeq_widen_extremes(r->extremes + channel + i, acc + i, 1);
        }
    }
}

#endif

#endif
