/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected layer with ternary weights for cores with the DSP extension, four units at a time.
 *
 * A word of weights holds eight of two units, as edgeq_convolve_ternary_dsp_s8.c explains. Here the lower field stays the
 * weight plus 1, and the sum of the inputs, which the first four units find on their way, is taken off. Eight inputs of
 * four units, 32 MACs, cost 23 instructions: one LDRD of weights, two LDR of inputs, four SXTB16, eight AND, eight SMLAD.
 * The input's offset is part of the bias.
 */
#include "edgeq_dsp.h"
#include "edgeq_kernels_narrow.h"

#define FIELDS 0xc003c003u
#define ONES 0x00010001u

/* Of units (a, b) and (c, d) 2^14 times the sum of the second plus that of the first; and the sum of inputs. */
typedef struct {
    uint32_t ab, cd;
    int32_t x;
} sums;

#if defined(__ARM_FEATURE_DSP)
#define FOUR(turn_even, turn_odd, inputs)                          \
    "ldr %[odd], [%[x]], #4\n\t"                                   \
    "sxtb16 %[even], %[odd]\n\t"                                   \
    "sxtb16 %[odd], %[odd], ror #8\n\t" inputs                     \
    "and %[w], %[fields], %[p]" turn_even "\n\t"                   \
    "smlad %[ab], %[even], %[w], %[ab]\n\t"                        \
    "and %[w], %[fields], %[p]" turn_odd "\n\t"                    \
    "smlad %[ab], %[odd], %[w], %[ab]\n\t"                         \
    "and %[w], %[fields], %[q]" turn_even "\n\t"                   \
    "smlad %[cd], %[even], %[w], %[cd]\n\t"                        \
    "and %[w], %[fields], %[q]" turn_odd "\n\t"                    \
    "smlad %[cd], %[odd], %[w], %[cd]\n\t"
#define EIGHTS(inputs)                                             \
    "1:\n\t"                                                       \
    "ldrd %[p], %[q], [%[k]], #8\n\t" FOUR("", ", ror #4", inputs) FOUR(", ror #8", ", ror #12", inputs) \
    "cmp %[x], %[end]\n\t"                                         \
    "bne 1b"
#define INPUTS                                                     \
    "smlad %[sum], %[even], %[ones], %[sum]\n\t"                   \
    "smlad %[sum], %[odd], %[ones], %[sum]\n\t"
#define RESULTS                                                                                                   \
    [ab] "+r"(s.ab), [cd] "+r"(s.cd), [x] "+r"(x), [k] "+r"(at), [even] "=&r"(even), [odd] "=&r"(odd), [w] "=&r"(w), \
        [p] "=&r"(p), [q] "=&r"(q)

/* Adds the products of `count` inputs, a multiple of eight above 0, and moves *k past them; the inputs too if asked. */
static inline sums add_eights(sums s, const int8_t *x, int32_t count, const int32_t **k, bool with_inputs)
{
    const int8_t *const end = x + count;
    const int32_t *at = *k;
    uint32_t even, odd, w, p, q;

    if (with_inputs) {
        __asm__(EIGHTS(INPUTS) : RESULTS, [sum] "+r"(s.x) : [fields] "r"(FIELDS), [ones] "r"(ONES), [end] "r"(end)
                : "cc", "memory");
    } else {
        __asm__(EIGHTS("") : RESULTS : [fields] "r"(FIELDS), [end] "r"(end) : "cc", "memory");
    }
    *k = at;
    return s;
}
#else
static inline uint32_t field(uint32_t eight, uint32_t turn)
{
    return (eight >> turn | eight << ((32u - turn) & 31u)) & FIELDS;
}

static inline sums add_eights(sums s, const int8_t *x, int32_t count, const int32_t **k, bool with_inputs)
{
    uint32_t turn;

    for (; count > 0; count -= 8) {
        const edgeq_word_pair w = edgeq_next_pair(k);
        for (turn = 0; turn < 16; turn += 8, x += 4) {
            const uint32_t inputs = edgeq_load_s8x4(x);
            const uint32_t even = edgeq_even_bytes(inputs);
            const uint32_t odd = edgeq_odd_bytes(inputs);
            if (with_inputs) {
                s.x = edgeq_mac_both(odd, ONES, edgeq_mac_both(even, ONES, s.x));
            }
            s.ab = edgeq_mac_both_wrapping(even, field(w.first, turn), s.ab);
            s.ab = edgeq_mac_both_wrapping(odd, field(w.first, turn + 4), s.ab);
            s.cd = edgeq_mac_both_wrapping(even, field(w.second, turn), s.cd);
            s.cd = edgeq_mac_both_wrapping(odd, field(w.second, turn + 4), s.cd);
        }
    }
    return s;
}
#endif

/* Adds the two sums that `joint` holds, doubled, to those of the first and the second unit. */
static inline void take_apart(uint32_t joint, int32_t *first, int32_t *second)
{
    const int32_t low = edgeq_wrap_s32(joint << 18) >> 18;
    *first += 2 * low;
    *second += edgeq_wrap_s32(joint - (uint32_t)low) >> 13;
}

/* What all units have in common. */
typedef struct {
    const int8_t *x;
    int32_t depth;
    int32_t in_chunk; /* inputs after which one of the sums could leave its bits */
    bool is_plain;    /* whether all factors are below a half, and saturation to int8 cuts off what is below zero */
    bool is_limited;  /* whether the activation is narrower than int8 */
    int32_t low;
    int32_t high;
} layer;

/* Results of four units, whose record is at k: the record's end. The first four find the sum of the inputs. */
static inline const int32_t *four_units(const layer *v, const int32_t *k, int32_t *sum, bool is_first, int8_t *y)
{
    const int8_t *const whole = v->x + (v->depth & ~7);
    const int8_t *x = v->x;
    int32_t a = k[0], b = k[1], c = k[2], d = k[3];
    sums s = {0, 0, 0};
    int32_t value[4];
    int32_t i;

    k += 4;
    for (;;) {
        const int32_t left = (int32_t)(whole - x);
        const int32_t chunk = left < v->in_chunk ? left : v->in_chunk;

        s.ab = 0;
        s.cd = 0;
        s = add_eights(s, x, chunk, &k, is_first);
        x += chunk;
        take_apart(s.ab, &a, &b);
        take_apart(s.cd, &c, &d);
        if (x == whole) {
            break;
        }
    }
    if ((v->depth & 7) != 0) {
        /* The last eight inputs; weights of those that have been counted are 0. */
        s.ab = 0;
        s.cd = 0;
        s = add_eights(s, v->x + v->depth - 8, 8, &k, is_first);
        take_apart(s.ab, &a, &b);
        take_apart(s.cd, &c, &d);
    }
    if (is_first) {
        *sum = 2 * s.x;
    }
    value[0] = a - *sum;
    value[1] = b;
    value[2] = c - *sum;
    value[3] = d;
    if (v->is_plain) {
        for (i = 0; i < 4; ++i) {
            y[i] = (int8_t)edgeq_finish_above_s8(value[i], edgeq_next_quant(&k));
        }
    } else if (!v->is_limited) {
        for (i = 0; i < 4; ++i) {
            y[i] = (int8_t)edgeq_finish_either_s8(value[i], edgeq_next_quant(&k));
        }
    } else {
        for (i = 0; i < 4; ++i) {
            y[i] = (int8_t)edgeq_clamp(edgeq_finish_either_s8(value[i], edgeq_next_quant(&k)), v->low, v->high);
        }
    }
    return k;
}

arm_cmsis_nn_status edgeq_fully_connected_ternary_dsp_s8(const cmsis_nn_fc_params *fc_params,
                                                         const cmsis_nn_dims *input_dims,
                                                         const int8_t *input_data,
                                                         const cmsis_nn_dims *filter_dims,
                                                         const int32_t *packed,
                                                         const cmsis_nn_dims *output_dims,
                                                         int8_t *output_data)
{
    const int32_t units = output_dims->c;
    const int32_t last = units - 4;
    int32_t batch;
    layer v;

    v.depth = filter_dims->n;
    v.in_chunk = packed[1];
    v.low = fc_params->activation.min;
    v.high = fc_params->activation.max;
    v.is_limited = v.low > -128 || v.high < 127;
    v.is_plain = packed[0] != 0 && !v.is_limited && fc_params->output_offset == -128;
    if (input_dims->n < 1 || v.depth < 8 || units < 4) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch, input_data += v.depth, output_data += units) {
        int32_t unit = 0;
        int32_t sum = 0;
        const int32_t *k;

        v.x = input_data;
        k = four_units(&v, packed + 2, &sum, true, output_data);
        while (unit != last) {
            /* The last record is of the last four units: it may compute some again. */
            unit = unit + 4 < last ? unit + 4 : last;
            k = four_units(&v, k, &sum, false, output_data + unit);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
