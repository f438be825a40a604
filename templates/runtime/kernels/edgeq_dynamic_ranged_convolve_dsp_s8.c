/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of a block to a block in two passes (edgeq_ranging.h), for cores with the DSP extension: windows are
 * widened four at a time, and words of weights serve two channels, as in edgeq_convolve_4x2_dsp_s8.c.
 */
#include "edgeq_kernels_dynamic.h"
#include "edgeq_ranging.h"
#include "edgeq_widened.h"

#define PIXELS EDGEQ_WIDENED

/* Of four pixels 256 times the sum of b x plus that of a x, and that of a x. */
typedef struct {
    uint32_t both[PIXELS];
    uint32_t a[PIXELS];
} joint;

/* What a group of windows is given in place of a table. */
typedef struct {
    const int32_t *packed;
    edgeq_ranging *ranging;
} task;

#if defined(__ARM_FEATURE_DSP)
#define PAIR(s0, s1, a0, a1)                                     \
    "ldrd %[p], %[q], [%[x]], #8\n\t"                            \
    "smlad %[" s0 "], %[p], %[w], %[" s0 "]\n\t"                 \
    "smlad %[" a0 "], %[p], %[wa], %[" a0 "]\n\t"                \
    "smlad %[" s1 "], %[q], %[w], %[" s1 "]\n\t"                 \
    "smlad %[" a1 "], %[q], %[wa], %[" a1 "]\n\t"
#define STEP                                                     \
    "ldr %[w], [%[k]], #4\n\t"                                   \
    "sxtb16 %[wa], %[w]\n\t" PAIR("s0", "s1", "a0", "a1") PAIR("s2", "s3", "a2", "a3")

static inline joint sums_of(const uint32_t *x, const int32_t *k, int32_t steps)
{
    const uint32_t *const end = x + PIXELS * steps;
    joint s = {{0, 0, 0, 0}, {0, 0, 0, 0}};
    uint32_t w, wa, p, q;

    __asm__("1:\n\t" STEP STEP
            "ldr %[w], %[end]\n\t"
            "cmp %[x], %[w]\n\t"
            "bne 1b"
            : [s0] "+r"(s.both[0]), [s1] "+r"(s.both[1]), [s2] "+r"(s.both[2]), [s3] "+r"(s.both[3]), [a0] "+r"(s.a[0]),
              [a1] "+r"(s.a[1]), [a2] "+r"(s.a[2]), [a3] "+r"(s.a[3]), [x] "+r"(x), [k] "+r"(k), [w] "=&r"(w),
              [wa] "=&r"(wa), [p] "=&r"(p), [q] "=&r"(q)
            : [end] "m"(end)
            : "cc", "memory");
    return s;
}
#else
static inline joint sums_of(const uint32_t *x, const int32_t *k, int32_t steps)
{
    joint s = {{0, 0, 0, 0}, {0, 0, 0, 0}};
    int32_t step, pixel;

    for (step = 0; step < steps; ++step) {
        const uint32_t w = (uint32_t)k[step];
        for (pixel = 0; pixel < PIXELS; ++pixel, ++x) {
            s.both[pixel] = edgeq_mac_both_wrapping(*x, w, s.both[pixel]);
            s.a[pixel] = edgeq_mac_both_wrapping(*x, edgeq_even_bytes(w), s.a[pixel]);
        }
    }
    return s;
}
#endif

/* The sums of one channel of four pixels. */
static EDGEQ_NOINLINE void take(edgeq_ranging *r, const uint32_t *sums, int32_t channel, int8_t *y, int32_t y_step)
{
    int32_t acc[PIXELS];
    int32_t pixel;

    for (pixel = 0; pixel < PIXELS; ++pixel) {
        acc[pixel] = edgeq_wrap_s32(sums[pixel]);
    }
    if (r->is_second) {
        edgeq_ranged_results(r, edgeq_begin_steps(r), acc, PIXELS, channel, y, y_step);
    } else {
        edgeq_widen_extremes(&r->extremes[channel], acc, PIXELS);
    }
}

static EDGEQ_NOINLINE void convolve_four(const edgeq_widened *v, const uint32_t *x, const int32_t *given, int8_t *y)
{
    const task *const t = (const task *)(const void *)given;
    const int32_t *k = t->packed;
    int32_t channel = 0;

    for (;;) {
        joint s = sums_of(x, k, v->steps);
        int32_t pixel;

        take(t->ranging, s.a, channel, y + channel, v->y_step);
        for (pixel = 0; pixel < PIXELS; ++pixel) {
            s.both[pixel] = (uint32_t)(edgeq_wrap_s32(s.both[pixel] - s.a[pixel]) >> 8);
        }
        take(t->ranging, s.both, channel + 1, y + channel + 1, v->y_step);
        k += v->steps;
        if (channel == v->channels - 2) {
            return;
        }
        /* The last record is of the last two channels: with an odd number it computes one again. */
        channel = channel + 4 > v->channels ? v->channels - 2 : channel + 2;
    }
}

arm_cmsis_nn_status edgeq_dynamic_ranged_convolve_dsp_s8(const cmsis_nn_context *ctx,
                                                         const cmsis_nn_conv_params *conv_params,
                                                         const cmsis_nn_per_channel_quant_params *quant_params,
                                                         const edgeq_sum_scale *sum_scale,
                                                         const edgeq_bounds *bounds,
                                                         const edgeq_block_range *range,
                                                         const cmsis_nn_dims *input_dims,
                                                         const int8_t *input,
                                                         const int32_t *input_range,
                                                         const cmsis_nn_dims *filter_dims,
                                                         const int32_t *packed,
                                                         const int32_t *bias,
                                                         const cmsis_nn_dims *output_dims,
                                                         int8_t *output,
                                                         int32_t *output_range)
{
    const int32_t channels = output_dims->c;
    cmsis_nn_conv_params p = *conv_params;
    cmsis_nn_context rest;
    edgeq_ranging r;
    task t;

    if (channels < 2 || !edgeq_begin_ranging(&r, ctx, sum_scale, input_range, bounds, bias, packed, channels,
                                             quant_params, &rest)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    /* what lies outside of the image is the zero point */
    p.input_offset = -edgeq_zero_point(input_range);
    t.packed = packed + channels;
    t.ranging = &r;
    for (;;) {
        const arm_cmsis_nn_status status =
            edgeq_convolve_by_four(&rest, &p, input_dims, input, filter_dims, (const int32_t *)(const void *)&t, false,
                                   false, output_dims, output, convolve_four);

        if (status != ARM_CMSIS_NN_SUCCESS || r.is_second) {
            return status;
        }
        edgeq_end_first_pass(&r, channels, range, output_range);
    }
}
