/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution for cores with the DSP extension: two output pixels by two channels at a time.
 *
 * Four input bytes of both pixels and both channels, 16 MACs, cost 19 instructions (1.2 per MAC): three loads, eight
 * SXTB16, eight SMLAD; the loop adds one. The input's offset is part of the bias, so that pixels need none.
 */
#include "edgeq_by_two.h"
#include "edgeq_dsp.h"
#include "edgeq_kernels_dsp.h"

/* Accumulators of channels a and b for two pixels. */
typedef struct {
    int32_t a0, b0, a1, b1;
} sums;

#if defined(__ARM_FEATURE_DSP)
/* By hand: it takes all fourteen registers. */
#define PIXEL(x, a, b)                      \
    "ldr %[x2], [%[" x "]], #4\n\t"         \
    "sxtb16 %[x13], %[x2], ror #8\n\t"      \
    "sxtb16 %[x2], %[x2]\n\t"               \
    "smlad %[" a "], %[x2], %[a2], %[" a "]\n\t"   \
    "smlad %[" b "], %[x2], %[b2], %[" b "]\n\t"   \
    "smlad %[" a "], %[x13], %[a13], %[" a "]\n\t" \
    "smlad %[" b "], %[x13], %[b13], %[" b "]\n\t"
#define FOUR                               \
    "ldrd %[a2], %[b2], [%[w]], #8\n\t"    \
    "sxtb16 %[a13], %[a2], ror #8\n\t"     \
    "sxtb16 %[a2], %[a2]\n\t"              \
    "sxtb16 %[b13], %[b2], ror #8\n\t"     \
    "sxtb16 %[b2], %[b2]\n\t" PIXEL("x0", "a0", "b0") PIXEL("x1", "a1", "b1")

#define OPERANDS                                                                                              \
    [a0] "+r"(s.a0), [b0] "+r"(s.b0), [a1] "+r"(s.a1), [b1] "+r"(s.b1), [w] "+r"(w), [x0] "+r"(x0),           \
        [x1] "+r"(x1), [a2] "=&r"(a2), [a13] "=&r"(a13), [b2] "=&r"(b2), [b13] "=&r"(b13), [x13] "=&r"(x13), \
        [x2] "=&r"(x2)

/* Adds the products of four bytes of each pixel. */
static inline sums add_four(sums s, const int8_t *x0, const int8_t *x1, const int32_t **k)
{
    const int32_t *w = *k;
    uint32_t a2, a13, b2, b13, x2, x13;

    __asm__(FOUR : OPERANDS : : "memory");
    *k = w;
    return s;
}

/* Adds the products of `count` bytes, a multiple of four above 0, of each pixel. */
static inline sums add_bytes(sums s, const int8_t *x0, const int8_t *x1, int32_t count, const int32_t **k)
{
    const int32_t *w = *k;
    const int8_t *const end = x0 + count;
    uint32_t a2, a13, b2, b13, x2, x13;

#if defined(__OPTIMIZE_SIZE__)
    __asm__("2:\n\t" FOUR
            "cmp %[x0], %[end]\n\t"
            "bne 2b"
            : OPERANDS
            : [end] "r"(end)
            : "cc", "memory");
#else
    /* Eight at a time, after four where their number is odd. */
    __asm__("sub %[x2], %[end], %[x0]\n\t"
            "tst %[x2], #4\n\t"
            "beq 2f\n\t" FOUR
            "cmp %[x0], %[end]\n\t"
            "beq 3f\n"
            "2:\n\t" FOUR FOUR
            "cmp %[x0], %[end]\n\t"
            "bne 2b\n"
            "3:"
            : OPERANDS
            : [end] "r"(end)
            : "cc", "memory");
#endif
    *k = w;
    return s;
}
#else
static inline sums add_bytes(sums s, const int8_t *x0, const int8_t *x1, int32_t count, const int32_t **k)
{
    const int8_t *const end = x0 + count;

    for (; x0 != end; x0 += 4, x1 += 4) {
        const edgeq_word_pair w = edgeq_next_pair(k);
        const uint32_t a02 = edgeq_even_bytes(w.first);
        const uint32_t a13 = edgeq_odd_bytes(w.first);
        const uint32_t b02 = edgeq_even_bytes(w.second);
        const uint32_t b13 = edgeq_odd_bytes(w.second);
        const uint32_t p = edgeq_load_s8x4(x0);
        const uint32_t q = edgeq_load_s8x4(x1);
        s.a0 = edgeq_mac_both(edgeq_odd_bytes(p), a13, edgeq_mac_both(edgeq_even_bytes(p), a02, s.a0));
        s.b0 = edgeq_mac_both(edgeq_odd_bytes(p), b13, edgeq_mac_both(edgeq_even_bytes(p), b02, s.b0));
        s.a1 = edgeq_mac_both(edgeq_odd_bytes(q), a13, edgeq_mac_both(edgeq_even_bytes(q), a02, s.a1));
        s.b1 = edgeq_mac_both(edgeq_odd_bytes(q), b13, edgeq_mac_both(edgeq_even_bytes(q), b02, s.b1));
    }
    return s;
}

static inline sums add_four(sums s, const int8_t *x0, const int8_t *x1, const int32_t **k)
{
    return add_bytes(s, x0, x1, 4, k);
}
#endif

/*
 * All channels of two pixels, whose windows are at x0 and x1, rows `pitch` bytes apart. k is the table, one record per
 * two channels. The last record is of the last two: with an odd number it computes one again.
 */
static EDGEQ_NOINLINE void convolve_two(const edgeq_window_rows *v, const int8_t *x0, const int8_t *x1, int32_t pitch,
                                        const int32_t *k, int8_t *y0, int8_t *y1)
{
    const int32_t tail = v->bytes & 3;
    const int32_t whole = v->bytes - tail;
    int32_t left = v->channels;

    for (;;) {
        const edgeq_word_pair bias = edgeq_next_pair(&k);
        const int8_t *p = x0;
        const int8_t *q = x1;
        int32_t row = v->rows;
        sums s = {(int32_t)bias.first, (int32_t)bias.second, (int32_t)bias.first, (int32_t)bias.second};
        edgeq_channel_quant a, b;

        for (;;) {
            s = add_bytes(s, p, q, whole, &k);
            if (tail != 0) {
                /* The last four bytes; weights of those that have been counted are 0. */
                s = add_four(s, p + v->bytes - 4, q + v->bytes - 4, &k);
            }
            if (--row == 0) {
                break;
            }
            p += pitch;
            q += pitch;
        }
        a = edgeq_next_quant(&k);
        s.a0 = edgeq_finish_s8(2 * s.a0, a);
        s.a1 = edgeq_finish_s8(2 * s.a1, a);
        b = edgeq_next_quant(&k);
        s.b0 = edgeq_finish_s8(2 * s.b0, b);
        s.b1 = edgeq_finish_s8(2 * s.b1, b);
        if (v->is_limited) {
            s.a0 = edgeq_clamp(s.a0, v->low, v->high);
            s.a1 = edgeq_clamp(s.a1, v->low, v->high);
            s.b0 = edgeq_clamp(s.b0, v->low, v->high);
            s.b1 = edgeq_clamp(s.b1, v->low, v->high);
        }
        y0[0] = (int8_t)s.a0;
        y0[1] = (int8_t)s.b0;
        y1[0] = (int8_t)s.a1;
        y1[1] = (int8_t)s.b1;
        left -= 2;
        if (left <= 0) {
            return;
        }
        y0 += left == 1 ? 1 : 2;
        y1 += left == 1 ? 1 : 2;
    }
}

arm_cmsis_nn_status edgeq_convolve_dsp_s8(const cmsis_nn_context *ctx,
                                          const cmsis_nn_conv_params *conv_params,
                                          const cmsis_nn_dims *input_dims,
                                          const int8_t *input_data,
                                          const cmsis_nn_dims *filter_dims,
                                          const int32_t *packed,
                                          bool copies_all,
                                          bool backwards,
                                          const cmsis_nn_dims *output_dims,
                                          int8_t *output_data)
{
    return edgeq_convolve_by_two(ctx, conv_params, input_dims, input_data, filter_dims, packed, copies_all, backwards,
                                 output_dims, output_data, convolve_two);
}
