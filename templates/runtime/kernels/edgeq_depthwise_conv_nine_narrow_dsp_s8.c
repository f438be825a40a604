/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution by 3x3 windows with weights of -1, 0 and 1 for cores with the DSP extension, by words of four
 * channels (edgeq_narrow_filters.h): six instructions a tap, 1.5 per MAC. Taps of windows on the image lie at constant
 * distances; other windows have a list of where theirs are, which for those beside the image is a pixel of zero points.
 */
#include <string.h>

#include "edgeq_convolution.h"
#include "edgeq_kernels_narrow.h"
#include "edgeq_narrow_filters.h"

#define TAPS 9

#if defined(__ARM_FEATURE_DSP)
/* The next tap of four channels; FIRST: sums begin with it. */
#define MASKED(address)                                          \
    address                                                      \
    "ldrd %[m], %[n], [%[k]], #8\n\t"                            \
    "and %[v], %[v], %[m]\n\t"                                   \
    "eor %[v], %[v], %[n]\n\t"
#define TAP(address)                                             \
    MASKED(address)                                              \
    "sxtab16 %[even], %[even], %[v]\n\t"                         \
    "sxtab16 %[odd], %[odd], %[v], ror #8\n\t"
#define FIRST(address)                                           \
    MASKED(address)                                              \
    "sxtab16 %[even], %[start], %[v]\n\t"                        \
    "sxtab16 %[odd], %[start], %[v], ror #8\n\t"
#define LISTED(tap) "ldr %[v], [%[x], #4 * " tap "]\n\tldr %[v], [%[v], %[c]]\n\t"
#define NINE_LISTED                                              \
    FIRST(LISTED("0")) TAP(LISTED("1")) TAP(LISTED("2")) TAP(LISTED("3")) TAP(LISTED("4")) TAP(LISTED("5"))          \
    TAP(LISTED("6")) TAP(LISTED("7")) TAP(LISTED("8"))
#define ROW(tap)                                                 \
    tap("ldr %[v], [%[x]]\n\t") TAP("ldr %[v], [%[x], %[step]]\n\t") TAP("ldr %[v], [%[x], %[step], lsl #1]\n\t")
#define NINE_ROWS                                                \
    ROW(FIRST) "add %[x], %[x], %[line]\n\t" ROW(TAP) "add %[x], %[x], %[line]\n\t" ROW(TAP)                         \
    "sub %[x], %[x], %[line], lsl #1\n\t"
/* On to the next four channels; the last four where fewer are left. at: what tells them. */
#define NEXT(at)                                                 \
    "ldrd %[m], %[n], %[ends]\n\t"                               \
    "add %[" at "], %[" at "], #4\n\t"                           \
    "cmp %[" at "], %[m]\n\t"                                    \
    "bne 1b\n\t"                                                 \
    "cmp %[" at "], %[n]\n\t"                                    \
    "beq 2f\n\t"                                                 \
    "strd %[n], %[n], %[ends]\n\t"                               \
    "ldrd %[m], %[n], %[back]\n\t"                               \
    "sub %[" at "], %[" at "], %[m]\n\t"                         \
    "sub %[y], %[y], %[m]\n\t"                                   \
    "sub %[q], %[q], %[n]\n\t"                                   \
    "b 1b\n"                                                     \
    "2:"
#define OUTPUTS                                                                                                     \
    [even] "=&r"(even), [odd] "=&r"(odd), [v] "=&r"(v), [m] "=&r"(m), [n] "=&r"(n), [k] "+r"(k), [q] "+r"(q),        \
        [y] "+r"(y), [x] "+r"(x), [ends] "+m"(ends)
#define INPUTS [back] "m"(back), [start] "r"(EDGEQ_HALF_STARTS), [middle] "r"(f->middle)

/* A pixel's results. by_list: x is the list of its taps, else the first of them. */
static inline void convolve(const edgeq_filters *f, const void *x, bool by_list, int32_t step, int32_t line, int8_t *y)
{
    const int32_t rest = f->channels & 3;
    const int32_t begin = by_list ? 0 : (int32_t)x;
    /* How far the last four channels lie before those that would be next, in bytes of pixels and of requantization. */
    const int32_t back[2] = {EDGEQ_FILTERS - rest, 4 * f->words * (EDGEQ_FILTERS - rest)};
    int32_t ends[2] = {begin + f->channels - rest, begin + f->channels};
    const int32_t *k = f->masks;
    const int32_t *q = f->quant;
    uint32_t even, odd, v, m, n, c = 0;

    if (by_list) {
        if (f->words == 2) {
            __asm__ volatile("1:\n\t" NINE_LISTED EDGEQ_FOUR(EDGEQ_PLAIN) NEXT("c")
                             : OUTPUTS, [c] "+r"(c) : INPUTS : "cc", "memory");
        } else {
            __asm__ volatile("1:\n\t" NINE_LISTED EDGEQ_FOUR(EDGEQ_WITH_GAP) NEXT("c")
                             : OUTPUTS, [c] "+r"(c) : INPUTS : "cc", "memory");
        }
    } else if (f->words == 2) {
        __asm__ volatile("1:\n\t" NINE_ROWS EDGEQ_FOUR(EDGEQ_PLAIN) NEXT("x")
                         : OUTPUTS : INPUTS, [step] "r"(step), [line] "r"(line) : "cc", "memory");
    } else {
        __asm__ volatile("1:\n\t" NINE_ROWS EDGEQ_FOUR(EDGEQ_WITH_GAP) NEXT("x")
                         : OUTPUTS : INPUTS, [step] "r"(step), [line] "r"(line) : "cc", "memory");
    }
}

static EDGEQ_NOINLINE void convolve_listed(const edgeq_filters *f, const int8_t *const taps[TAPS], int8_t *y)
{
    convolve(f, taps, true, 0, 0, y);
}

/* Neighbouring pixels of windows on the image, the first of which begins at x. */
static EDGEQ_NOINLINE void convolve_inner(const edgeq_filters *f, const int8_t *x, int32_t pixels, int8_t *y)
{
    for (; pixels > 0; --pixels, x += f->x_pixel, y += f->channels) {
        convolve(f, x, false, f->x_col, f->x_row, y);
    }
}
#else
static void convolve_listed(const edgeq_filters *f, const int8_t *const taps[TAPS], int8_t *y)
{
    const int32_t *k = f->masks;
    int32_t c = 0;

    for (;;) {
        edgeq_lane_sums s = {EDGEQ_HALF_STARTS, EDGEQ_HALF_STARTS};
        int32_t tap;

        for (tap = 0; tap < TAPS; ++tap) {
            s = edgeq_add_masked(s, edgeq_load_s8x4(taps[tap] + c), edgeq_next_pair(&k));
        }
        edgeq_finish_four(f, s, f->quant + c * f->words, y + c);
        if (c == f->channels - EDGEQ_FILTERS) {
            return;
        }
        c = edgeq_next_filters(c, f->channels);
    }
}

static void convolve_inner(const edgeq_filters *f, const int8_t *x, int32_t pixels, int8_t *y)
{
    const int8_t *taps[TAPS];
    int32_t tap;

    for (; pixels > 0; --pixels, x += f->x_pixel, y += f->channels) {
        for (tap = 0; tap < TAPS; ++tap) {
            taps[tap] = x + tap / 3 * f->x_row + tap % 3 * f->x_col;
        }
        convolve_listed(f, taps, y);
    }
}
#endif

/* Lists where the taps of the window at (y, x) are on the image. */
static EDGEQ_NOINLINE void list_taps(const edgeq_filters *f, const cmsis_nn_dims *in, cmsis_nn_tile dilation,
                                     const int8_t *image, const int8_t *outside, int32_t y, int32_t x,
                                     const int8_t *taps[TAPS])
{
    const bool is_inside[3] = {x >= 0 && x < in->w, x + dilation.w >= 0 && x + dilation.w < in->w,
                               x + 2 * dilation.w >= 0 && x + 2 * dilation.w < in->w};
    int32_t at = (y * in->w + x) * in->c;
    int32_t row;

    for (row = 0; row < 3; ++row, y += dilation.h, at += f->x_row, taps += 3) {
        const bool is_row = y >= 0 && y < in->h;
        taps[0] = is_row && is_inside[0] ? image + at : outside;
        taps[1] = is_row && is_inside[1] ? image + at + f->x_col : outside;
        taps[2] = is_row && is_inside[2] ? image + at + 2 * f->x_col : outside;
    }
}

arm_cmsis_nn_status edgeq_depthwise_conv_nine_narrow_dsp_s8(const cmsis_nn_context *ctx,
                                                            const cmsis_nn_dw_conv_params *dw_conv_params,
                                                            const edgeq_narrow_filters *filters,
                                                            const cmsis_nn_dims *input_dims,
                                                            const int8_t *input_data,
                                                            const cmsis_nn_dims *filter_dims,
                                                            const cmsis_nn_dims *output_dims,
                                                            int8_t *output_data)
{
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    const cmsis_nn_dims *const in = input_dims;
    const int32_t masks_size = edgeq_masks_size(TAPS, in->c);
    int32_t *const masks = ctx->buf;
    const int8_t *taps[TAPS];
    int8_t *outside;
    int32_t n, out_y, out_x;
    edgeq_filters f;

    if (in->c < EDGEQ_FILTERS || p->ch_mult != 1 || !edgeq_is_depthwise_convolution(p, in, filter_dims, output_dims) ||
        filter_dims->h != 3 || filter_dims->w != 3 || masks == NULL ||
        ctx->size < masks_size * (int32_t)sizeof(*masks) + in->c) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    f = edgeq_begin_filters(p, filters, in, TAPS, masks);
    outside = (int8_t *)(masks + masks_size);
    memset(outside, -p->input_offset, (size_t)in->c);
    for (n = 0; n < in->n; ++n, input_data += in->h * in->w * in->c) {
        for (out_y = 0; out_y < output_dims->h; ++out_y) {
            const int32_t y = out_y * p->stride.h - p->padding.h;
            const bool is_inside = EDGEQ_HAS_SHORT_CUTS && y >= 0 && y + 2 * p->dilation.h < in->h;
            int32_t x = -p->padding.w;

            for (out_x = 0; out_x < output_dims->w;) {
                /* How far the window is from the right edge. */
                const int32_t room = in->w - 1 - 2 * p->dilation.w - x;
                int32_t pixels = 1;

                if (is_inside && x >= 0 && room >= 0) {
                    const int32_t left = output_dims->w - out_x;
                    pixels = room / p->stride.w + 1;
                    pixels = pixels < left ? pixels : left;
                    convolve_inner(&f, input_data + (y * in->w + x) * in->c, pixels, output_data);
                } else {
                    list_taps(&f, in, p->dilation, input_data, outside, y, x, taps);
                    convolve_listed(&f, taps, output_data);
                }
                edgeq_limit_pixels(&f, output_data, pixels);
                output_data += pixels * in->c;
                out_x += pixels;
                x += pixels * p->stride.w;
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
