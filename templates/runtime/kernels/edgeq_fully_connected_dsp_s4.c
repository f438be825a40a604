/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected layer with int4 weights for cores with the DSP extension, four units at a time.
 *
 * A word of weights holds two of four units a, b, c and d: the lanes are 4096 d + 256 c + 16 b + a, where a, b and c have
 * 8 added, and masked 256 c + a, 16 b + a and a, so that differences of four sums give those of the units. Four inputs, 16
 * MACs, cost 18 instructions (1.1 per MAC): one LDR of inputs, two SXTB16, one LDRD of weights, six AND, eight SMLAD. What
 * 8 times the inputs' sum adds is taken off at the start. Sums wrap on the way. Fewer inputs than four are filled up with
 * zeros.
 */
#include <string.h>

#include "edgeq_int4_dsp.h"
#include "edgeq_kernels_s4.h"
#include "edgeq_window.h"

/* The sums of a, of 16 b + a, of 256 c + a and of all four. */
typedef struct {
    uint32_t a, ba, ca, all;
} sums;

/* Adds the products of the inputs from x to `end`, a multiple of four above 0, and moves *k past their weights. */
#if defined(__ARM_FEATURE_DSP)
/* By hand: the compiler moves pointers apart from the loads. */
#define UNITS(x, w)                                         \
    "and %[z], %[" w "], #0x000f000f\n\t"                   \
    "smlad %[a], %[" x "], %[z], %[a]\n\t"                  \
    "and %[z], %[" w "], #0x00ff00ff\n\t"                   \
    "smlad %[ba], %[" x "], %[z], %[ba]\n\t"                \
    "and %[z], %[" w "], #0x0f0f0f0f\n\t"                   \
    "smlad %[ca], %[" x "], %[z], %[ca]\n\t"                \
    "smlad %[all], %[" x "], %[" w "], %[all]\n\t"
#define FOUR                                                \
    "ldr %[odd], [%[x]], #4\n\t"                            \
    "ldrd %[w], %[v], [%[k]], #8\n\t"                       \
    "sxtb16 %[even], %[odd]\n\t"                            \
    "sxtb16 %[odd], %[odd], ror #8\n\t" UNITS("even", "w") UNITS("odd", "v")

static inline sums add_fours(sums s, const int8_t *x, const int8_t *end, const int32_t **k)
{
    const int32_t *at = *k;
    uint32_t even, odd, w, v, z;

    /* Two at a time, but one at first where one would remain. */
    __asm__("sub %[z], %[end], %[x]\n\t"
            "tst %[z], #4\n\t"
            "bne 2f\n"
            "1:\n\t" FOUR
            "2:\n\t" FOUR
            "cmp %[x], %[end]\n\t"
            "bne 1b"
            : [a] "+r"(s.a), [ba] "+r"(s.ba), [ca] "+r"(s.ca), [all] "+r"(s.all), [x] "+r"(x), [k] "+r"(at),
              [even] "=&r"(even), [odd] "=&r"(odd), [w] "=&r"(w), [v] "=&r"(v), [z] "=&r"(z)
            : [end] "r"(end)
            : "cc", "memory");
    *k = at;
    return s;
}
#else
static inline sums add_step(sums s, uint32_t x, uint32_t w)
{
    s.a = edgeq_mac_both_wrapping(x, w & 0x000f000fu, s.a);
    s.ba = edgeq_mac_both_wrapping(x, w & 0x00ff00ffu, s.ba);
    s.ca = edgeq_mac_both_wrapping(x, w & 0x0f0f0f0fu, s.ca);
    s.all = edgeq_mac_both_wrapping(x, w, s.all);
    return s;
}

static inline sums add_fours(sums s, const int8_t *x, const int8_t *end, const int32_t **k)
{
    for (; x != end; x += 4) {
        const uint32_t inputs = edgeq_load_s8x4(x);
        const edgeq_word_pair w = edgeq_next_pair(k);
        s = add_step(add_step(s, edgeq_even_bytes(inputs), w.first), edgeq_odd_bytes(inputs), w.second);
    }
    return s;
}
#endif

/* Of a row its inputs and what sums begin with. */
typedef struct {
    const int8_t *x;
    const int8_t *whole; /* where the last four inputs begin or end that are not counted twice */
    const int8_t *end;
    sums begin;
} row;

static inline int32_t sum_of_four(const int8_t *x)
{
    return x[0] + x[1] + x[2] + x[3];
}

/* depth is 4 and more. */
static inline row row_at(const int8_t *x, int32_t depth)
{
    const int8_t *const eights = x + (depth & ~7);
    const int8_t *const whole = x + (depth & ~3);
    const int8_t *const end = x + depth;
    uint32_t sum = 0;
    row r;

    if (x != eights) {
        sum += (uint32_t)edgeq_sum_of_eights(x, eights);
    }
    if (eights != whole) {
        sum += (uint32_t)sum_of_four(eights);
    }
    if (whole != end) {
        sum += (uint32_t)sum_of_four(end - 4);
    }
    sum = 0u - 8u * sum;
    r.x = x;
    r.whole = whole;
    r.end = end;
    r.begin.a = sum;
    r.begin.ba = 17u * sum;
    r.begin.ca = 257u * sum;
    r.begin.all = 273u * sum;
    return r;
}

/* Four units and more of a row; k is the table from its first record on. */
static inline __attribute__((always_inline)) void all_units(bool is_short, const row *r, const int32_t *k, int8_t *y,
                                                            int32_t units)
{
    int8_t *const last = y + units - EDGEQ_FOUR;

    for (;;) {
        sums s = add_fours(r->begin, r->x, r->whole, &k);
        edgeq_four_sums of;
        uint32_t b, c;

        if (r->whole != r->end) {
            /* The last four inputs; weights of those that have been counted are 0. */
            s = add_fours(s, r->end - 4, r->end, &k);
        }
        b = s.ba - s.a;
        c = s.ca - s.a;
        of.of[0] = edgeq_wrap_s32(s.a << 12);
        of.of[1] = edgeq_wrap_s32(b << 8);
        of.of[2] = edgeq_wrap_s32(c << 4);
        of.of[3] = edgeq_wrap_s32(s.all - s.ca - b);
        k = edgeq_finish_four_int4(is_short, k, &of, 1, y, 0);
        if (y == last) {
            return;
        }
        /* The last record is of the last four units: it may compute some again. */
        y = last - y < EDGEQ_FOUR ? last : y + EDGEQ_FOUR;
    }
}

#if defined(__ARM_FEATURE_DSP)
/* edgeq_finish_two_words_s8 of one unit. */
#define FINISHED(sum)                                       \
    "ldrd %[w], %[v], [%[k]], #8\n\t"                       \
    "smmlar %[" sum "], %[" sum "], %[w], %[v]\n\t"         \
    "ssat %[" sum "], #8, %[" sum "], asr #12\n\t"

/* The same by two words. */
static EDGEQ_NOINLINE void by_two_words(const row *r, const int32_t *k, int8_t *y, int32_t units)
{
    const int32_t record = ((int32_t)(r->end - r->x) + 3) / 4 * 2 + 2 * EDGEQ_FOUR;
    const int32_t *const k_end = k + (units + EDGEQ_FOUR - 1) / EDGEQ_FOUR * record;
    const int32_t *stop = k + units / EDGEQ_FOUR * record;
    int8_t *const last = y + units - EDGEQ_FOUR;
    uint32_t a, ba, ca, all, even, odd, w, v, z;
    const int8_t *x, *end;

    for (;;) {
        __asm__ volatile("0:\n\t"
                "ldrd %[a], %[ba], %[first]\n\t"
                "ldrd %[ca], %[all], %[second]\n\t"
                "ldr %[x], %[start]\n\t"
                "ldr %[end], %[whole]\n\t"
                "sub %[z], %[end], %[x]\n\t"
                "tst %[z], #4\n\t"
                "bne 2f\n"
                "1:\n\t" FOUR
                "2:\n\t" FOUR
                "cmp %[x], %[end]\n\t"
                "bne 1b\n\t"
                /* The last four inputs; weights of those that have been counted are 0. */
                "ldr %[end], %[behind]\n\t"
                "cmp %[x], %[end]\n\t"
                "beq 3f\n\t"
                "sub %[x], %[end], #4\n\t"
                "b 2b\n"
                "3:\n\t"
                "sub %[ba], %[ba], %[a]\n\t"
                "sub %[all], %[all], %[ca]\n\t"
                "sub %[ca], %[ca], %[a]\n\t"
                "sub %[all], %[all], %[ba]\n\t"
                "lsl %[a], %[a], #12\n\t"
                "lsl %[ba], %[ba], #8\n\t"
                "lsl %[ca], %[ca], #4\n\t" FINISHED("a") FINISHED("ba") FINISHED("ca") FINISHED("all")
                "bfi %[a], %[ba], #8, #8\n\t"
                "bfi %[a], %[ca], #16, #8\n\t"
                "bfi %[a], %[all], #24, #8\n\t"
                "ldr %[w], %[y]\n\t"
                "ldr %[v], %[stop]\n\t"
                "str %[a], [%[w]], #4\n\t"
                "str %[w], %[y]\n\t"
                "cmp %[k], %[v]\n\t"
                "bne 0b"
                : [a] "=&r"(a), [ba] "=&r"(ba), [ca] "=&r"(ca), [all] "=&r"(all), [x] "=&r"(x), [k] "+r"(k),
                  [end] "=&r"(end), [even] "=&r"(even), [odd] "=&r"(odd), [w] "=&r"(w), [v] "=&r"(v), [z] "=&r"(z),
                  [y] "+m"(y)
                : [first] "m"(r->begin.a), [second] "m"(r->begin.ca), [start] "m"(r->x), [whole] "m"(r->whole),
                  [behind] "m"(r->end), [stop] "m"(stop)
                : "cc", "memory");
        if (k == k_end) {
            return;
        }
        /* The last record is of the last four units: it computes some again. */
        y = last;
        stop = k_end;
    }
}
#else
static void by_two_words(const row *r, const int32_t *k, int8_t *y, int32_t units)
{
    all_units(true, r, k, y, units);
}
#endif

static EDGEQ_NOINLINE void by_three_words(const row *r, const int32_t *k, int8_t *y, int32_t units)
{
    all_units(false, r, k, y, units);
}

arm_cmsis_nn_status edgeq_fully_connected_dsp_s4(const cmsis_nn_fc_params *fc_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data)
{
    const int32_t units = output_dims->c;
    const int32_t depth = filter_dims->n;
    const int32_t low = fc_params->activation.min;
    const int32_t high = fc_params->activation.max;
    int32_t batch, i;

    if (input_dims->n < 1 || depth < 1 || units < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch, input_data += depth, output_data += units) {
        int8_t inputs[4] = {0, 0, 0, 0};
        int8_t results[EDGEQ_FOUR];
        /* Fewer units than four are a record of four. */
        int8_t *const y = units < EDGEQ_FOUR ? results : output_data;
        const int32_t count = units < EDGEQ_FOUR ? EDGEQ_FOUR : units;
        row r;

        if (depth < 4) {
            memcpy(inputs, input_data, (size_t)depth);
        }
        r = depth < 4 ? row_at(inputs, 4) : row_at(input_data, depth);
        if (packed[0] != 0) {
            by_two_words(&r, packed + 1, y, count);
        } else {
            by_three_words(&r, packed + 1, y, count);
        }
        if (units < EDGEQ_FOUR) {
            memcpy(output_data, results, (size_t)units);
        }
        if (low > -128 || high < 127) {
            for (i = 0; i < units; ++i) {
                output_data[i] = (int8_t)edgeq_clamp(output_data[i], low, high);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
