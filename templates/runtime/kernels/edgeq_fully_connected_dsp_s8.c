/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected layer for cores with the DSP extension, four units at a time.
 *
 * Four inputs of four units, 16 MACs, cost 17 instructions (1.1 per MAC): one LDR of inputs, two LDRD of weights, six
 * SXTB16, eight SMLAD. A word of weights holds two of two units, 256 b + a in each lane, as edgeq_convolve_4x2_dsp_s8.c
 * explains. The sums of b are taken down wherever they might outgrow their 24 bits. The input's offset is part of the
 * bias.
 */
#include "edgeq_dsp.h"
#include "edgeq_kernels_dsp.h"
#include "edgeq_window.h"

/* Of units (a, b) and (c, d): the sum with both units' weights in one, and that of the first. */
typedef struct {
    uint32_t ab, a, cd, c;
} sums;

/* Adds the products of the four inputs at *x, and moves it past them. */
#if defined(__ARM_FEATURE_DSP)
/* By hand: the compiler moves pointers apart from the loads. */
#define UNITS(both, one)                                  \
    "ldrd %[w], %[z], [%[k]], #8\n\t"                     \
    "smlad %[" both "], %[even], %[w], %[" both "]\n\t"   \
    "sxtb16 %[w], %[w]\n\t"                               \
    "smlad %[" one "], %[even], %[w], %[" one "]\n\t"     \
    "smlad %[" both "], %[odd], %[z], %[" both "]\n\t"    \
    "sxtb16 %[z], %[z]\n\t"                               \
    "smlad %[" one "], %[odd], %[z], %[" one "]\n\t"
#define FOUR                                              \
    "ldr %[odd], [%[x]], #4\n\t"                          \
    "sxtb16 %[even], %[odd]\n\t"                          \
    "sxtb16 %[odd], %[odd], ror #8\n\t" UNITS("ab", "a") UNITS("cd", "c")
#define OPERANDS                                                                                                  \
    : [ab] "+r"(s.ab), [a] "+r"(s.a), [cd] "+r"(s.cd), [c] "+r"(s.c), [x] "+r"(from), [k] "+r"(at),              \
      [even] "=&r"(even), [odd] "=&r"(odd), [w] "=&r"(w), [z] "=&r"(z)                                           \
    :                                                                                                            \
    : "memory"

static inline sums add_four(sums s, const int8_t **x, const int32_t **k)
{
    const int8_t *from = *x;
    const int32_t *at = *k;
    uint32_t even, odd, w, z;

    __asm__(FOUR OPERANDS);
    *x = from;
    *k = at;
    return s;
}

static inline sums add_sixteen(sums s, const int8_t **x, const int32_t **k)
{
    const int8_t *from = *x;
    const int32_t *at = *k;
    uint32_t even, odd, w, z;

    __asm__(FOUR FOUR FOUR FOUR OPERANDS);
    *x = from;
    *k = at;
    return s;
}
#else
static inline sums add_four(sums s, const int8_t **x, const int32_t **k)
{
    const uint32_t inputs = edgeq_load_s8x4(*x);
    const uint32_t even = edgeq_even_bytes(inputs);
    const uint32_t odd = edgeq_odd_bytes(inputs);
    edgeq_word_pair w = edgeq_next_pair(k);

    s.ab = edgeq_mac_both_wrapping(even, w.first, s.ab);
    s.a = edgeq_mac_both_wrapping(even, edgeq_even_bytes(w.first), s.a);
    s.ab = edgeq_mac_both_wrapping(odd, w.second, s.ab);
    s.a = edgeq_mac_both_wrapping(odd, edgeq_even_bytes(w.second), s.a);
    w = edgeq_next_pair(k);
    s.cd = edgeq_mac_both_wrapping(even, w.first, s.cd);
    s.c = edgeq_mac_both_wrapping(even, edgeq_even_bytes(w.first), s.c);
    s.cd = edgeq_mac_both_wrapping(odd, w.second, s.cd);
    *x += 4;
    s.c = edgeq_mac_both_wrapping(odd, edgeq_even_bytes(w.second), s.c);
    return s;
}

static inline sums add_sixteen(sums s, const int8_t **x, const int32_t **k)
{
    return add_four(add_four(add_four(add_four(s, x, k), x, k), x, k), x, k);
}
#endif

/* Biases of four units, and the table moved on to their weights. */
static inline sums start(const int32_t **k)
{
    const edgeq_word_pair first = edgeq_next_pair(k);
    const edgeq_word_pair second = edgeq_next_pair(k);
    const sums s = {first.first, first.second, second.first, second.second};
    return s;
}

arm_cmsis_nn_status edgeq_fully_connected_dsp_s8(const cmsis_nn_fc_params *fc_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 int32_t segment,
                                                 bool one_shift,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data)
{
    const int32_t depth = filter_dims->n;
    const int32_t units = output_dims->c;
    const int32_t last = units - 4;
    const int32_t low = fc_params->activation.min;
    const int32_t high = fc_params->activation.max;
    const bool is_limited = low > -128 || high < 127;
    int32_t batch;

    if (input_dims->n < 1 || depth < 4 || units < 4 || segment < 16 || (segment & 15) != 0 ||
        (one_shift && (is_limited || !EDGEQ_HAS_SHORT_CUTS))) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch, input_data += depth, output_data += units) {
        const int8_t *const end = input_data + depth;
        const int8_t *const whole = end - (depth & 3);
#if !defined(__OPTIMIZE_SIZE__)
        const int8_t *const first = whole - input_data > segment ? input_data + segment : whole;
#endif
        const int32_t *k = packed;
        int32_t unit = 0;

        for (;;) {
            sums s = start(&k);
            const int8_t *x = input_data;
            int32_t doubled[4];
            int32_t b = 0;
            int32_t d = 0;
            int32_t i;

#if !defined(__OPTIMIZE_SIZE__)
            for (i = (int32_t)((first - x) >> 2) & 3; i > 0; --i) {
                s = add_four(s, &x, &k);
            }
            while (x != first) {
                s = add_sixteen(s, &x, &k);
            }
#endif
            while (x != whole) {
                const int8_t *const stop = whole - x > segment ? x + segment : whole;

                if (x != input_data) {
                    /* The sums of b and d are taken down before they outgrow their 24 bits. */
                    b += (int32_t)(s.ab - s.a) >> 8;
                    d += (int32_t)(s.cd - s.c) >> 8;
                    s.ab = s.a;
                    s.cd = s.c;
                }
                while (x != stop) {
                    s = add_four(s, &x, &k);
                }
            }
            if (whole != end) {
                /* The last four inputs; weights of those that have been counted are 0. */
                x = end - 4;
                s = add_four(s, &x, &k);
            }
            if (EDGEQ_HAS_SHORT_CUTS && one_shift) {
                const uint32_t scaled[4] = {s.a << 8, s.ab - s.a, s.c << 8, s.cd - s.c};
#pragma GCC unroll 4
                for (i = 0; i < 4; ++i) {
                    output_data[unit + i] = (int8_t)edgeq_finish_at_once_s8((int32_t)scaled[i], edgeq_next_pair(&k));
                }
            } else {
                doubled[0] = (int32_t)(2u * s.a);
                doubled[1] = 2 * b + ((int32_t)(s.ab - s.a) >> 7);
                doubled[2] = (int32_t)(2u * s.c);
                doubled[3] = 2 * d + ((int32_t)(s.cd - s.c) >> 7);
                for (i = 0; i < 4; ++i) {
                    const int32_t value = edgeq_finish_s8(doubled[i], edgeq_next_quant(&k));
                    output_data[unit + i] = (int8_t)(is_limited ? edgeq_clamp(value, low, high) : value);
                }
            }
            if (unit == last) {
                break;
            }
            /* The last record is of the last four units: it may compute some again. */
            unit = unit + 4 < last ? unit + 4 : last;
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
