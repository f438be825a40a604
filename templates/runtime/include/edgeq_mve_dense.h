/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected layers for cores with the vector extension, four units at a time.
 *
 * Sixteen inputs of four units, 64 MACs, cost 10 instructions: five loads, four VMLADAVA, and the loop. The input's
 * offset is part of the bias. Weights of four bits cost as many, with two shifts in place of two loads: how they share
 * bytes is in edgeq_mve_tiles.h.
 */
#ifndef EDGEQ_MVE_DENSE_H
#define EDGEQ_MVE_DENSE_H

#include "arm_nn_types.h"
#include "edgeq_mve.h"

#if defined(__ARM_FEATURE_MVE)

#if EDGEQ_WEIGHT_BITS == 4
#define MAC_TWO(even, odd)                       \
    "vldrb.u8 %q[w], [%[k]], #16\n\t"            \
    "vmladava.s8 " odd ", %q[in], %q[w]\n\t"     \
    "vshl.i8 %q[v], %q[w], #4\n\t"               \
    "vmladava.s8 " even ", %q[in], %q[v]\n\t"
#define MACS MAC_TWO("%[a]", "%[b]") MAC_TWO("%[c]", "%[d]")
#define TAKE_APART                     \
    "sub %[b], %[b], %[a], asr #4\n\t" \
    "sub %[d], %[d], %[c], asr #4\n\t"
#define UNSCALE "vshr.s32 %q[sums], %q[sums], #4"
#else
#define MAC(w, sum)                              \
    "vldrb.u8 " w ", [%[k]], #16\n\t"            \
    "vmladava.s8 " sum ", %q[in], " w "\n\t"
#define MACS MAC("%q[w]", "%[a]") MAC("%q[v]", "%[b]") MAC("%q[w]", "%[c]") MAC("%q[v]", "%[d]")
#define TAKE_APART ""
#define UNSCALE ""
#endif

/* The sums of four units over `steps` times sixteen inputs and `last` more; *table moves on to their quants. */
static EDGEQ_ALWAYS_INLINE int32x4_t sum_units(const int8_t *x, int32_t steps, mve_pred16_t last, const int32_t **table)
{
    const int32_t *k = *table;
    int32x4_t sums;
    int32_t a, b, c, d;
    int8x16_t in, w, v;

    /* "Te": VMLADAVA sums in even registers. The loop counts in LR. */
    __asm__("vmsr p0, %[last]\n\t"
            "ldrd %[a], %[b], [%[k]]\n\t"
            "ldrd %[c], %[d], [%[k], #8]\n\t"
            "adds %[k], #16\n\t"
            "wls lr, %[steps], 2f\n"
            "1:\n\t"
            "vldrb.u8 %q[in], [%[x]], #16\n\t" MACS
            "le lr, 1b\n"
            "2:\n\t"
            "vpst\n\t"
            "vldrbt.u8 %q[in], [%[x]]\n\t" MACS TAKE_APART
            "vmov %q[sums][2], %q[sums][0], %[a], %[c]\n\t"
            "vmov %q[sums][3], %q[sums][1], %[b], %[d]\n\t" UNSCALE
            : [a] "=&Te"(a), [b] "=&Te"(b), [c] "=&Te"(c), [d] "=&Te"(d), [sums] "=&w"(sums), [in] "=&w"(in),
              [w] "=&w"(w), [v] "=&w"(v), [x] "+&r"(x), [k] "+&r"(k)
            : [steps] "r"(steps), [last] "r"((uint32_t)last)
            : "lr", "cc", "memory");
    *table = k;
    return sums;
}

static EDGEQ_ALWAYS_INLINE void connect(const int8_t *x, int32_t depth, const int32_t *k, int32_t units,
                                        edgeq_output out, bool is_rectified, int8_t *y)
{
    const int32_t steps = (depth - 1) / 16;
    const mve_pred16_t last = vctp8q((uint32_t)(depth - 16 * steps));

    for (; units > 0; units -= 4, y += 4, k += 8) {
        int32x4_t value = sum_units(x, steps, last, &k);
        value = edgeq_requantize_x4(value, vldrwq_s32(k), vldrwq_s32(k + 4), is_rectified);
        value = edgeq_limit_x4(value, out);
        vstrbq_p_s32(y, value, vctp32q((uint32_t)units));
    }
}

static void connect_all(const int8_t *x, int32_t depth, const int32_t *k, int32_t units, edgeq_output out, int8_t *y)
{
    if (edgeq_is_rectified(out)) {
        connect(x, depth, k, units, out, true, y);
    } else {
        connect(x, depth, k, units, out, false, y);
    }
}

#else

/* The sum of a unit, as it stands in its record: the first of a pair is shifted, the second has the first in it. */
static int32_t sum_unit(const int8_t *x, int32_t depth, const int32_t *record, int32_t lane)
{
    int32_t sum = record[lane];
    int32_t i;

    for (i = 0; i < depth; ++i) {
        const int32_t vector = i / 16 * EDGEQ_STEP_WORDS / 4 + lane * EDGEQ_WEIGHT_BITS / 8;
        sum += x[i] * edgeq_joint_weight(record + 4, 16 * vector + i % 16, lane);
    }
    return sum;
}

static void connect_all(const int8_t *x, int32_t depth, const int32_t *k, int32_t units, edgeq_output out, int8_t *y)
{
    const int32_t words = EDGEQ_STEP_WORDS * ((depth + 15) / 16) + 12;
    int32_t unit;

    for (unit = 0; unit < units; ++unit) {
        const int32_t *const record = k + unit / 4 * words;
        const int32_t *const quant = record + words - 8;
        const int32_t lane = unit % 4;
        int32_t sum = sum_unit(x, depth, record, lane);

        if (EDGEQ_WEIGHT_BITS == 4) {
            sum = edgeq_take_apart(sum, lane % 2 == 0 ? 0 : sum_unit(x, depth, record, lane - 1));
        }
        y[unit] = edgeq_finish_one(sum, quant[lane], quant[4 + lane], out);
    }
}

#endif

/* See edgeq_fully_connected_mve_s8; `packed` as EDGEQ_WEIGHT_BITS say. */
static arm_cmsis_nn_status edgeq_connect_all(const cmsis_nn_fc_params *fc_params,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const int32_t *packed,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output_data)
{
    const int32_t depth = filter_dims->n;
    const edgeq_output out = {fc_params->output_offset, fc_params->activation.min, fc_params->activation.max};
    int32_t batch;

    if (input_dims->n < 1 || depth < 1 || output_dims->c < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch) {
        connect_all(input_data, depth, packed, output_dims->c, out, output_data);
        input_data += depth;
        output_data += output_dims->c;
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
