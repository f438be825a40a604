/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected layer of int16 for cores with the DSP extension, four units at a time.
 *
 * Two inputs of four units, 8 MACs, cost 10 instructions (1.25 per MAC): one LDR of inputs, which are operands as they
 * are, one LDRD of weights, four SXTB16, four SMLAD. Sums of 32 bits suffice, which has been proven when the table was
 * made.
 */
#include "edgeq_finish_s16.h"
#include "edgeq_kernels_dsp.h"
#include "edgeq_window.h"

/* Of four units. */
typedef struct {
    uint32_t a, b, c, d;
} sums;

#if defined(__ARM_FEATURE_DSP)
/* By hand: the compiler moves pointers apart from the loads. */
#define PRODUCTS                                 \
    "ldrd %[w], %[z], [%[k]], #8\n\t"            \
    "sxtb16 %[t], %[w]\n\t"                      \
    "smlad %[a], %[v], %[t], %[a]\n\t"           \
    "sxtb16 %[t], %[w], ror #8\n\t"              \
    "smlad %[b], %[v], %[t], %[b]\n\t"           \
    "sxtb16 %[t], %[z]\n\t"                      \
    "smlad %[c], %[v], %[t], %[c]\n\t"           \
    "sxtb16 %[t], %[z], ror #8\n\t"              \
    "smlad %[d], %[v], %[t], %[d]\n\t"
#define OPERANDS                                                                                                \
    [a] "+r"(s.a), [b] "+r"(s.b), [c] "+r"(s.c), [d] "+r"(s.d), [k] "+r"(at), [w] "=&r"(w), [z] "=&r"(z), [t] "=&r"(t)

/* Adds the products of two inputs, the lanes of v. */
static inline sums add_two(sums s, uint32_t v, const int32_t **k)
{
    const int32_t *at = *k;
    uint32_t w, z, t;

    __asm__(PRODUCTS : OPERANDS : [v] "r"(v) : "memory");
    *k = at;
    return s;
}

/* Those of the eight inputs at *x, and moves it past them. */
static inline sums add_eight(sums s, const int16_t **x, const int32_t **k)
{
    const int16_t *from = *x;
    const int32_t *at = *k;
    uint32_t v, w, z, t;

#define TWO "ldr %[v], [%[x]], #4\n\t" PRODUCTS
    __asm__(TWO TWO TWO TWO : OPERANDS, [x] "+r"(from), [v] "=&r"(v) : : "memory");
    *x = from;
    *k = at;
    return s;
}
#else
static inline sums add_two(sums s, uint32_t v, const int32_t **k)
{
    const edgeq_word_pair w = edgeq_next_pair(k);

    s.a = edgeq_mac_both_wrapping(v, edgeq_even_bytes(w.first), s.a);
    s.b = edgeq_mac_both_wrapping(v, edgeq_odd_bytes(w.first), s.b);
    s.c = edgeq_mac_both_wrapping(v, edgeq_even_bytes(w.second), s.c);
    s.d = edgeq_mac_both_wrapping(v, edgeq_odd_bytes(w.second), s.d);
    return s;
}

static inline sums add_eight(sums s, const int16_t **x, const int32_t **k)
{
    int32_t i;

    for (i = 0; i < 4; ++i, *x += 2) {
        s = add_two(s, edgeq_load_s16x2(*x), k);
    }
    return s;
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

arm_cmsis_nn_status edgeq_fully_connected_dsp_s16(const cmsis_nn_fc_params *fc_params,
                                                  const cmsis_nn_dims *input_dims,
                                                  const int16_t *input_data,
                                                  const cmsis_nn_dims *filter_dims,
                                                  const int32_t *packed,
                                                  bool one_shift,
                                                  const cmsis_nn_dims *output_dims,
                                                  int16_t *output_data)
{
    const int32_t depth = filter_dims->n;
    const int32_t units = output_dims->c;
    const int32_t last = units - 4;
    const int32_t low = fc_params->activation.min;
    const int32_t high = fc_params->activation.max;
    int32_t batch;

    if (input_dims->n < 1 || depth < 1 || units < 4 || (one_shift && !EDGEQ_HAS_SHORT_CUTS)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch, input_data += depth, output_data += units) {
        const int16_t *const whole = input_data + (depth & ~1);
        const int32_t *k = packed;
        int32_t unit = 0;

        for (;;) {
            const int16_t *x = input_data;
            int32_t results[4];
            int32_t i;
            sums s = start(&k);

#if !defined(__OPTIMIZE_SIZE__)
            for (i = depth >> 1 & 3; i > 0; --i, x += 2) {
                s = add_two(s, edgeq_load_s16x2(x), &k);
            }
            while (x != whole) {
                s = add_eight(s, &x, &k);
            }
#else
            for (; x != whole; x += 2) {
                s = add_two(s, edgeq_load_s16x2(x), &k);
            }
#endif
            if ((depth & 1) != 0) {
                s = add_two(s, (uint16_t)*x, &k);
            }
            results[0] = edgeq_wrap_s32(s.a);
            results[1] = edgeq_wrap_s32(s.b);
            results[2] = edgeq_wrap_s32(s.c);
            results[3] = edgeq_wrap_s32(s.d);
            if (EDGEQ_HAS_SHORT_CUTS && one_shift) {
#pragma GCC unroll 4
                for (i = 0; i < 4; ++i) {
                    results[i] = edgeq_clamp(edgeq_finish_at_once_s16(results[i], *k++), low, high);
                }
            } else {
#pragma GCC unroll 4
                for (i = 0; i < 4; ++i) {
                    results[i] = edgeq_clamp(edgeq_finish_s16(results[i], edgeq_next_wide_quant(&k)), low, high);
                }
            }
#pragma GCC unroll 4
            for (i = 0; i < 4; ++i) {
                output_data[unit + i] = (int16_t)results[i];
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
