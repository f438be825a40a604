/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution by 3x3 for cores without the DSP extension where a ReLU makes results short
 * (edgeq_finish_short.h), two pixels of a row at a time, or four where they overlap: they share what they load.
 *
 * A channel of four pixels is 82 instructions on ARMv7-M (2.3 per MAC), one of two 56 there and 112 on ARMv6-M. The
 * input's offset is part of the bias; what hangs over an edge of the image is copied first, with the zero point in place
 * of what is not on the image.
 */
#include "edgeq_convolution.h"
#include "edgeq_copy.h"
#include "edgeq_finish_short.h"
#include "edgeq_kernels_scalar.h"
#include "edgeq_window.h"

/* Pixels of a row that are computed together. */
typedef struct {
    const int8_t *x; /* the first one's window */
    int32_t line;    /* bytes from row to row of the window */
    int32_t stride;  /* bytes from window to window */
    int32_t count;   /* pixels: 1, 2, or 4 */
} tile;

#if defined(__arm__) && !defined(__ARM_FEATURE_DSP) && __ARM_ARCH >= 7

/* r0 window, r1 table, r2 and r3 one and three pixels, r4-r7 sums, r8-r10 weights, r11 input, r12 to the next row, lr
 * results. `bias` is where the sums begin: the last of them before it is one, or the sum itself. */
#define FOUR_PIXELS(bias4, bias5, bias6)        \
    "ldrsb r11, [r0]\n\t"                       \
    "mla r4, r11, r8, " bias4 "\n\t"            \
    "ldrsb r11, [r0, r2]\n\t"                   \
    "mla r4, r11, r9, r4\n\t"                   \
    "mla r5, r11, r8, " bias5 "\n\t"            \
    "ldrsb r11, [r0, r2, lsl #1]\n\t"           \
    "mla r4, r11, r10, r4\n\t"                  \
    "mla r5, r11, r9, r5\n\t"                   \
    "mla r6, r11, r8, " bias6 "\n\t"            \
    "ldrsb r11, [r0, r3]\n\t"                   \
    "add r0, r0, r2\n\t"                        \
    "mla r5, r11, r10, r5\n\t"                  \
    "mla r6, r11, r9, r6\n\t"                   \
    "mla r7, r11, r8, r7\n\t"                   \
    "ldrsb r11, [r0, r3]\n\t"                   \
    "mla r6, r11, r10, r6\n\t"                  \
    "mla r7, r11, r9, r7\n\t"                   \
    "ldrsb r11, [r0, r2, lsl #2]\n\t"           \
    "mla r7, r11, r10, r7\n\t"
/* r8 multiplier, r9 and r10 the sum with its addend. */
#define RESULT(sum, y)                   \
    "smlal r9, r10, " sum ", r8\n\t"     \
    "ssat r10, #8, r10, asr #3\n\t"      \
    "strb r10, " y "\n\t"
#define AGAIN "ldrd r9, r10, [r1, #-8]\n\t"

/* All channels of four pixels with a stride of one. The assembly knows the order of what it loads. */
static EDGEQ_NOINLINE void convolve_four(const tile *t, const int32_t *k, int8_t *y, int32_t channels)
{
    const struct {
        const int8_t *x;
        const int32_t *k;
        int32_t one;
        int32_t three;
        int32_t row;
        int8_t *y;
        int32_t back;
        const int8_t *end;
    } state = {t->x, k, channels, 3 * channels, t->line - channels, y, 1 - channels - 2 * t->line, y + channels};
    register const void *s __asm__("r0") = &state;

    __asm__ volatile("ldrd r4, r5, [r0, #24]\n\t"
                     "push {r4, r5}\n\t"
                     "ldm r0, {r0, r1, r2, r3, r12, lr}\n"
                     "1:\n\t"
                     "ldm r1!, {r7, r8, r9, r10}\n\t" FOUR_PIXELS("r7", "r7", "r7")
                     "add r0, r0, r12\n\t"
                     "ldm r1!, {r8, r9, r10}\n\t" FOUR_PIXELS("r4", "r5", "r6")
                     "add r0, r0, r12\n\t"
                     "ldm r1!, {r8, r9, r10}\n\t" FOUR_PIXELS("r4", "r5", "r6")
                     "ldm r1!, {r8, r9, r10}\n\t" RESULT("r5", "[lr, r2]")
                     AGAIN RESULT("r6", "[lr, r2, lsl #1]")
                     AGAIN RESULT("r7", "[lr, r3]")
                     AGAIN RESULT("r4", "[lr], #1")
                     "ldrd r8, r9, [sp]\n\t"
                     "add r0, r0, r8\n\t"
                     "cmp lr, r9\n\t"
                     "bne 1b\n\t"
                     "add sp, sp, #8\n\t"
                     : "+r"(s)
                     :
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}

/* r0 and r6 windows, r1 table, r2 a pixel, r3 from window to window, r4-r5 sums, r8-r10 weights, r11 input. */
#define TWO_PIXELS(bias4)               \
    "add r6, r0, r3\n\t"                \
    "ldrsb r11, [r0]\n\t"               \
    "mla r4, r11, r8, " bias4 "\n\t"    \
    "ldrsb r11, [r6]\n\t"               \
    "mla r5, r11, r8, r5\n\t"           \
    "ldrsb r11, [r0, r2]\n\t"           \
    "mla r4, r11, r9, r4\n\t"           \
    "ldrsb r11, [r6, r2]\n\t"           \
    "mla r5, r11, r9, r5\n\t"           \
    "ldrsb r11, [r0, r2, lsl #1]\n\t"   \
    "mla r4, r11, r10, r4\n\t"          \
    "ldrsb r11, [r6, r2, lsl #1]\n\t"   \
    "mla r5, r11, r10, r5\n\t"

/* All channels of two pixels, or of one, computed twice. */
static EDGEQ_NOINLINE void convolve_two(const tile *t, const int32_t *k, int8_t *y, int32_t channels)
{
    const struct {
        const int8_t *x;
        const int32_t *k;
        int32_t one;
        int32_t stride;
        int32_t next;
        int32_t row;
        int8_t *y;
        int32_t back;
        const int8_t *end;
    } state = {t->x, k, channels, t->count > 1 ? t->stride : 0, t->count > 1 ? channels : 0, t->line,
               y, 1 - 2 * t->line, y + channels};
    register const void *s __asm__("r0") = &state;

    __asm__ volatile("ldrd r4, r5, [r0, #28]\n\t"
                     "push {r4, r5}\n\t"
                     "ldm r0, {r0, r1, r2, r3, r7, r12, lr}\n"
                     "1:\n\t"
                     "ldm r1!, {r5, r8, r9, r10}\n\t" TWO_PIXELS("r5")
                     "add r0, r0, r12\n\t"
                     "ldm r1!, {r8, r9, r10}\n\t" TWO_PIXELS("r4")
                     "add r0, r0, r12\n\t"
                     "ldm r1!, {r8, r9, r10}\n\t" TWO_PIXELS("r4")
                     "ldm r1!, {r8, r9, r10}\n\t" RESULT("r5", "[lr, r7]")
                     AGAIN RESULT("r4", "[lr], #1")
                     "ldrd r8, r9, [sp]\n\t"
                     "add r0, r0, r8\n\t"
                     "cmp lr, r9\n\t"
                     "bne 1b\n\t"
                     "add sp, sp, #8\n\t"
                     : "+r"(s)
                     :
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}

static inline void convolve_some(bool is_narrow, const tile *t, const int32_t *k, int8_t *y, int32_t channels)
{
    (void)is_narrow;
    if (t->count == 4) {
        convolve_four(t, k, y, channels);
    } else {
        convolve_two(t, k, y, channels);
    }
}

#elif defined(__arm__) && !defined(__ARM_FEATURE_DSP)

/* r0 table, r1 a pixel before the window, r2 product, r3 and r4 one and two pixels, r5-r7 weights; moves r1 by one. */
#define ONE_PIXEL(sum)       \
    "ldrsb r2, [r1, r3]\n\t" \
    "muls r2, r5, r2\n\t"    \
    "add " sum ", " sum ", r2\n\t" \
    "ldrsb r2, [r1, r4]\n\t" \
    "muls r2, r6, r2\n\t"    \
    "add " sum ", " sum ", r2\n\t" \
    "adds r1, r1, r3\n\t"    \
    "ldrsb r2, [r1, r4]\n\t" \
    "muls r2, r7, r2\n\t"    \
    "add " sum ", " sum ", r2\n\t"
/* r10 from behind the first pixel to the second. */
#define TWO_PIXELS ONE_PIXEL("r8") "add r1, r1, r10\n\t" ONE_PIXEL("r9")
/* The result of a sum, by the words in r4-r7, into r3; lr results, copied to r2. */
#define RESULT(sum, limited)   \
    "mov r3, " sum "\n\t"      \
    EDGEQ_SHORT_RESULT(limited) \
    "mov r2, lr\n\t"

/* All channels of two pixels, or of one, computed twice. The assembly knows the order of what it loads. */
static EDGEQ_NOINLINE void convolve_two(const tile *t, const int32_t *k, int8_t *y, int32_t channels)
{
    const int32_t stride = t->count > 1 ? t->stride : 0;
    const struct {
        int32_t one;
        const int32_t *k;
        const int8_t *x;
        int32_t second;
        int32_t row;
        int32_t back;
        int8_t *y;
        int32_t next;
        const int8_t *end;
    } state = {channels, k, t->x - channels, stride - channels, t->line - stride - channels,
               1 - channels - stride - 2 * t->line, y, t->count > 1 ? channels : 0, y + channels};
    register const void *s __asm__("r0") = &state;

    __asm__ volatile(".syntax unified\n\t"
                     "push {r0}\n\t"
                     "mov r7, r0\n\t"
                     "adds r7, #12\n\t"
                     "ldm r7!, {r3, r4, r5, r6}\n\t"
                     "mov r10, r3\n\t"
                     "mov r11, r4\n\t"
                     "mov r12, r5\n\t"
                     "mov lr, r6\n\t"
                     "ldr r3, [r0]\n\t"
                     "ldr r1, [r0, #8]\n\t"
                     "ldr r0, [r0, #4]\n"
                     "1:\n\t"
                     "lsls r4, r3, #1\n\t"
                     "ldm r0!, {r2, r5, r6, r7}\n\t"
                     "mov r8, r2\n\t"
                     "mov r9, r2\n\t" TWO_PIXELS
                     "add r1, r1, r11\n\t"
                     "ldm r0!, {r5, r6, r7}\n\t" TWO_PIXELS
                     "add r1, r1, r11\n\t"
                     "ldm r0!, {r5, r6, r7}\n\t" TWO_PIXELS
                     "add r1, r1, r12\n\t"
                     "ldm r0!, {r4, r5, r6, r7}\n\t" RESULT("r8", "2")
                     "strb r3, [r2]\n\t" RESULT("r9", "3")
                     "ldr r4, [sp]\n\t"
                     "ldr r5, [r4, #28]\n\t"
                     "strb r3, [r2, r5]\n\t"
                     "adds r2, #1\n\t"
                     "mov lr, r2\n\t"
                     "ldr r3, [r4]\n\t"
                     "ldr r5, [r4, #32]\n\t"
                     "cmp r2, r5\n\t"
                     "bne 1b\n\t"
                     "pop {r0}\n\t"
                     : "+r"(s)
                     :
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}

static inline void convolve_some(bool is_narrow, const tile *t, const int32_t *k, int8_t *y, int32_t channels)
{
    (void)is_narrow;
    convolve_two(t, k, y, channels);
}

#else

/* All channels of the pixels. */
static void convolve_some(bool is_narrow, const tile *t, const int32_t *k, int8_t *y, int32_t channels)
{
    int32_t channel, pixel, row;

    for (channel = 0; channel < channels; ++channel, k += 10 + edgeq_short_words(is_narrow)) {
        for (pixel = 0; pixel < t->count; ++pixel) {
            const int8_t *x = t->x + pixel * t->stride + channel;
            int32_t sum = k[0];
            for (row = 0; row < 3; ++row, x += t->line) {
                const int32_t *const w = k + 1 + 3 * row;
                sum += x[0] * w[0] + x[channels] * w[1] + x[2 * channels] * w[2];
            }
            y[pixel * channels + channel] = edgeq_finish_short(is_narrow, sum, k + 10);
        }
    }
}

#endif

/* What the copying of windows needs. */
typedef struct {
    const int8_t *image;
    int32_t height;
    int32_t width;
    int32_t channels;
    int32_t outside; /* what stands for all that is not on the image */
} source;

/* Copies three rows of so many columns from (y, x) on. */
static EDGEQ_NOINLINE void copy_windows(const source *from, int32_t y, int32_t x, int32_t cols, int8_t *copy)
{
    const edgeq_taps inside = edgeq_clip_taps(x, from->width, cols, 1);
    const int32_t bytes = cols * from->channels;
    const int32_t before = inside.first * from->channels;
    const int32_t count = (inside.end - inside.first) * from->channels;
    int32_t row;

    for (row = 0; row < 3; ++row, ++y, copy += bytes) {
        if (y < 0 || y >= from->height || count <= 0) {
            edgeq_fill_few(copy, from->outside, bytes);
        } else {
            edgeq_fill_few(copy, from->outside, before);
            edgeq_copy_few(copy + before, from->image + (y * from->width + x) * from->channels + before, count);
            edgeq_fill_few(copy + before + count, from->outside, bytes - before - count);
        }
    }
}

static bool is_computable(const cmsis_nn_dw_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                          const cmsis_nn_dims *out)
{
    return edgeq_is_depthwise_convolution(p, in, filter, out) && p->ch_mult == 1 && filter->h == 3 && filter->w == 3 &&
           p->dilation.h == 1 && p->dilation.w == 1;
}

/* Whether this core knows a table of that kind. */
static bool is_known(bool is_narrow)
{
#if defined(__arm__)
    return is_narrow == (__ARM_ARCH < 7);
#else
    (void)is_narrow;
    return true;
#endif
}

arm_cmsis_nn_status edgeq_depthwise_conv_3x3_words_s8(const cmsis_nn_context *ctx,
                                                      const cmsis_nn_dw_conv_params *dw_conv_params,
                                                      const cmsis_nn_dims *input_dims,
                                                      const int8_t *input_data,
                                                      const cmsis_nn_dims *filter_dims,
                                                      const int32_t *packed,
                                                      bool is_narrow,
                                                      const cmsis_nn_dims *output_dims,
                                                      int8_t *output_data)
{
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    const int32_t channels = input_dims->c;
    const int32_t pitch = input_dims->w * channels;
    const int32_t most = p->stride.w == 1 && !is_narrow ? 4 : 2;
    int8_t *const copy = ctx->buf;
    source from = {input_data, input_dims->h, input_dims->w, channels, -p->input_offset};
    tile t = {input_data, pitch, p->stride.w * channels, 0};
    int32_t n, out_y, out_x;

    if (!is_computable(p, input_dims, filter_dims, output_dims) || !is_known(is_narrow)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (n = 0; n < input_dims->n; ++n, from.image += input_dims->h * pitch) {
        for (out_y = 0; out_y < output_dims->h; ++out_y) {
            const int32_t y = out_y * p->stride.h - p->padding.h;
            const bool is_inside = y >= 0 && y + 3 <= input_dims->h;
            int32_t x = -p->padding.w;

            for (out_x = 0; out_x < output_dims->w; out_x += t.count, x += t.count * p->stride.w) {
                const int32_t left = output_dims->w - out_x;
                int32_t cols;

                t.count = left >= most ? most : left >= 2 ? 2 : 1;
                cols = (t.count - 1) * p->stride.w + 3;
                if (is_inside && x >= 0 && x + cols <= input_dims->w) {
                    t.x = from.image + y * pitch + x * channels;
                    t.line = pitch;
                } else {
                    if (copy == NULL || ctx->size < 3 * cols * channels) {
                        return ARM_CMSIS_NN_ARG_ERROR;
                    }
                    copy_windows(&from, y, x, cols, copy);
                    t.x = copy;
                    t.line = cols * channels;
                }
                convolve_some(is_narrow, &t, packed, output_data, channels);
                output_data += t.count * channels;
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
