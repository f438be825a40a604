/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution for cores without the DSP extension, channel by channel of a pixel.
 *
 * Weights are words: three come with one LDM, so that a tap is 2.3 instructions on ARMv7-M and 4.3 on ARMv6-M. The
 * input's offset is part of the bias; a window that hangs over an edge of the image is copied first, with the zero point
 * in place of what is not on the image.
 */
#include "edgeq_convolution.h"
#include "edgeq_copy.h"
#include "edgeq_finish.h"
#include "edgeq_kernels_scalar.h"
#include "edgeq_window.h"

/* A function apart keeps its own registers. */
#define NOINLINE __attribute__((noinline))

/* Steps through a window: bytes from tap to tap and from row to row. */
typedef struct {
    int32_t rows;
    int32_t cols;
    int32_t step;
    int32_t line;
    int32_t channels;
} walk;

/* The bias at *table and the sum of nine taps at x; the table is moved behind the weights. */
#if defined(__arm__) && !defined(__ARM_FEATURE_DSP) && __ARM_ARCH >= 7
#define ROW                                 \
    "ldrsb r8, [%[x]]\n\t"                  \
    "mla r4, r8, r5, r4\n\t"                \
    "ldrsb r8, [%[x], %[step]]\n\t"         \
    "mla r4, r8, r6, r4\n\t"                \
    "ldrsb r8, [%[x], %[step], lsl #1]\n\t" \
    "mla r4, r8, r7, r4\n\t"

static inline int32_t nine_taps(const int8_t *x, int32_t step, int32_t line, const int32_t **table)
{
    const int32_t *k = *table;
    register int32_t sum __asm__("r4");

    __asm__("ldm %[k]!, {r4-r7}\n\t" ROW
            "ldm %[k]!, {r5-r7}\n\t"
            "add %[x], %[x], %[line]\n\t" ROW
            "ldm %[k]!, {r5-r7}\n\t"
            "add %[x], %[x], %[line]\n\t" ROW
            : "=r"(sum), [k] "+&r"(k), [x] "+&r"(x)
            : [step] "r"(step), [line] "r"(line)
            : "r5", "r6", "r7", "r8", "memory");
    *table = k;
    return sum;
}
#elif defined(__arm__) && !defined(__ARM_FEATURE_DSP)
/* r0 table, r1 input, r2 product, r3 step, r4 sum, r5-r7 weights. */
#define ROW                  \
    "movs r2, #0\n\t"        \
    "ldrsb r2, [r1, r2]\n\t" \
    "muls r2, r5, r2\n\t"    \
    "adds r4, r4, r2\n\t"    \
    "ldrsb r2, [r1, r3]\n\t" \
    "muls r2, r6, r2\n\t"    \
    "adds r4, r4, r2\n\t"    \
    "add r1, r1, r3\n\t"     \
    "ldrsb r2, [r1, r3]\n\t" \
    "muls r2, r7, r2\n\t"    \
    "adds r4, r4, r2\n\t"

static inline int32_t nine_taps(const int8_t *x, int32_t step, int32_t line, const int32_t **table)
{
    register const int32_t *k __asm__("r0") = *table;
    register const int8_t *at __asm__("r1") = x;
    register int32_t by __asm__("r3") = step;
    register int32_t sum __asm__("r4");
    const int32_t next = line - step;

    __asm__(".syntax unified\n\t"
            "ldm r0!, {r4, r5, r6, r7}\n\t" ROW
            "ldm r0!, {r5, r6, r7}\n\t"
            "add r1, %[next]\n\t" ROW
            "ldm r0!, {r5, r6, r7}\n\t"
            "add r1, %[next]\n\t" ROW
            : "=&r"(sum), "+&r"(k), "+&r"(at)
            : "r"(by), [next] "h"(next)
            : "r2", "r5", "r6", "r7", "cc", "memory");
    *table = k;
    return sum;
}
#else
static inline int32_t nine_taps(const int8_t *x, int32_t step, int32_t line, const int32_t **table)
{
    const int32_t *k = *table;
    int32_t sum = *k++;
    int32_t row;

    for (row = 0; row < 3; ++row, x += line, k += 3) {
        sum += x[0] * k[0] + x[step] * k[1] + x[2 * step] * k[2];
    }
    *table = k;
    return sum;
}
#endif

/* All channels of one pixel, whose window is at x. */
static NOINLINE void convolve_3x3(const edgeq_finishing *f, const walk *v, const int8_t *x, const int32_t *k, int8_t *y)
{
    const edgeq_finishing finishing = *f;
    const int32_t step = v->step;
    const int32_t line = v->line;
    const int8_t *const end = x + v->channels;

    for (; x != end; ++x) {
        const int32_t sum = nine_taps(x, step, line, &k);
        *y++ = edgeq_finish(&finishing, sum, k);
        k += edgeq_finish_words(&finishing);
    }
}

static NOINLINE void convolve_any(const edgeq_finishing *f, const walk *v, const int8_t *x, const int32_t *k, int8_t *y)
{
    const int8_t *const end = x + v->channels;

    for (; x != end; ++x) {
        const int8_t *line = x;
        int32_t sum = *k++;
        int32_t row;

        for (row = v->rows; row > 0; --row, line += v->line) {
            const int8_t *tap = line;
            int32_t col;
            for (col = v->cols; col > 0; --col, tap += v->step) {
                sum += *tap * *k++;
            }
        }
        *y++ = edgeq_finish(f, sum, k);
        k += edgeq_finish_words(f);
    }
}

/* Copies the window at (y, x), the zero point in place of what is not on the image. */
static NOINLINE void copy_window(const cmsis_nn_dw_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                                 const int8_t *image, int32_t y, int32_t x, int8_t *copy)
{
    const edgeq_taps cols = edgeq_clip_taps(x, in->w, filter->w, p->dilation.w);
    int32_t row, col;

    for (row = 0; row < filter->h; ++row, y += p->dilation.h) {
        const bool is_inside = y >= 0 && y < in->h;
        for (col = 0; col < filter->w; ++col, copy += in->c) {
            if (is_inside && col >= cols.first && col < cols.end) {
                edgeq_copy_few(copy, image + (y * in->w + x + col * p->dilation.w) * in->c, in->c);
            } else {
                edgeq_fill_few(copy, -p->input_offset, in->c);
            }
        }
    }
}

static bool is_computable(const cmsis_nn_dw_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                          const cmsis_nn_dims *out)
{
    return p->ch_mult == 1 && edgeq_is_depthwise_convolution(p, in, filter, out);
}

arm_cmsis_nn_status edgeq_depthwise_conv_words_s8(const cmsis_nn_context *ctx,
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
    const int32_t pitch = input_dims->w * input_dims->c;
    const int32_t low = p->activation.min;
    const int32_t high = p->activation.max;
    const int32_t down = (filter_dims->h - 1) * p->dilation.h;
    const int32_t right = (filter_dims->w - 1) * p->dilation.w;
    const edgeq_finishing finishing = {is_narrow, low > -128 || high < 127, low, high};
    const walk on_image = {filter_dims->h, filter_dims->w, p->dilation.w * input_dims->c, p->dilation.h * pitch,
                           input_dims->c};
    const walk on_copy = {filter_dims->h, filter_dims->w, input_dims->c, filter_dims->w * input_dims->c,
                          input_dims->c};
    const bool is_3x3 = filter_dims->h == 3 && filter_dims->w == 3;
    int8_t *const copy = ctx->buf;
    int32_t n, out_y, out_x;

    if (!is_computable(p, input_dims, filter_dims, output_dims) || !edgeq_can_finish(&finishing)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (n = 0; n < input_dims->n; ++n, input_data += input_dims->h * pitch) {
        for (out_y = 0; out_y < output_dims->h; ++out_y) {
            const int32_t y = out_y * p->stride.h - p->padding.h;
            const bool is_inside = y >= 0 && y + down < input_dims->h;
            int32_t x = -p->padding.w;

            for (out_x = 0; out_x < output_dims->w; ++out_x, x += p->stride.w, output_data += output_dims->c) {
                const walk *v = &on_image;
                const int8_t *window = copy;

                if (!is_inside || x < 0 || x + right >= input_dims->w) {
                    if (copy == NULL || ctx->size < filter_dims->h * on_copy.line) {
                        return ARM_CMSIS_NN_ARG_ERROR;
                    }
                    copy_window(p, input_dims, filter_dims, input_data, y, x, copy);
                    v = &on_copy;
                } else {
                    window = input_data + y * pitch + x * input_dims->c;
                }
                if (is_3x3) {
                    convolve_3x3(&finishing, v, window, packed, output_data);
                } else {
                    convolve_any(&finishing, v, window, packed, output_data);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
