/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution for cores without the DSP extension: two output pixels by two channels at a time, both pixels in one word.
 *
 * Four weights of both channels, 16 MACs, cost 22 instructions on ARMv7-M (1.4 per MAC) and 35 on ARMv6-M (2.2), the
 * four results of a record 31 and 90 where a ReLU makes them short, twice as many elsewhere. The windows of two pixels
 * are written side by side into a stream of words first, for all channels; a window that hangs over an edge of the image
 * is copied before, with the zero point in place of what is not on the image.
 */
#include <string.h>

#include "edgeq_copy.h"
#include "edgeq_finish.h"
#include "edgeq_kernels_scalar.h"
#include "edgeq_lane_records.h"
#include "edgeq_lanes.h"
#include "edgeq_window.h"

/* A function apart keeps its own registers. */
#define NOINLINE __attribute__((noinline))

/* The results of a record's two channels for two pixels, at *y0 and *y1, which are moved on, as is the table. */
static inline void finish_four(const edgeq_finishing *f, edgeq_lane_state *s, int8_t **y0, int8_t **y1)
{
    const int32_t words = edgeq_finish_words(f);
    int8_t *const p = *y0;
    int8_t *const q = *y1;

    p[0] = edgeq_finish(f, edgeq_lane_low(s->a), s->k);
    q[0] = edgeq_finish(f, s->a.high, s->k);
    s->k += words;
    p[1] = edgeq_finish(f, edgeq_lane_low(s->b), s->k);
    q[1] = edgeq_finish(f, s->b.high, s->k);
    s->k += words;
    *y0 = p + 2;
    *y1 = q + 2;
}

#if defined(__arm__) && !defined(__ARM_FEATURE_DSP) && __ARM_ARCH >= 7
/* r9 multiplier, r10 addend, r11 shift; edgeq_finish_wide. */
#define FINISH(sum, y)                \
    "lsls " sum ", " sum ", #1\n\t"   \
    "smull r12, lr, " sum ", r9\n\t"  \
    "adds r12, r12, #0x80000000\n\t"  \
    "adc lr, lr, r10\n\t"             \
    "add lr, lr, " sum ", asr #31\n\t" \
    "asr lr, lr, r11\n\t"             \
    "ssat lr, #8, lr\n\t"             \
    "strb lr, [" y "], #1\n\t"

/* finish_four where the activation has the range of int8. By hand: the compiler keeps nothing in registers. */
static inline void finish_four_unlimited(edgeq_lane_state *state, int8_t **y0, int8_t **y1)
{
    register edgeq_lane_state *s __asm__("r0") = state;
    register int8_t *p __asm__("r1") = *y0;
    register int8_t *q __asm__("r2") = *y1;

    __asm__ volatile("add r3, r0, #8\n\t"
                     "ldm r3, {r4, r5, r6, r7, r8}\n\t"
                     "ldm r4!, {r9, r10, r11}\n\t"
                     "sub r5, r5, r6, lsl #16\n\t" FINISH("r5", "r1") FINISH("r6", "r2")
                     "ldm r4!, {r9, r10, r11}\n\t"
                     "sub r7, r7, r8, lsl #16\n\t" FINISH("r7", "r1") FINISH("r8", "r2")
                     "str r4, [r3]\n\t"
                     : "+r"(s), "+r"(p), "+r"(q)
                     :
                     : "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
    *y0 = p;
    *y1 = q;
}
#else
static inline void finish_four_unlimited(edgeq_lane_state *s, int8_t **y0, int8_t **y1)
{
    const edgeq_finishing unlimited = {EDGEQ_KNOWS_WIDE == 0, false, -128, 127};
    finish_four(&unlimited, s, y0, y1);
}
#endif

/* All channels of two pixels from their stream. k is the table, one record per two channels. The last record is of the
 * last two: with an odd number it computes one again. */
static NOINLINE void convolve_two(const edgeq_finishing *f, const uint32_t *stream, const uint32_t *end,
                                  const int32_t *k, int8_t *y0, int8_t *y1, int32_t channels)
{
    edgeq_lane_state s = {stream, end, k, {0u, 0}, {0u, 0}};
    const edgeq_finishing finishing = *f;
    const bool is_quick = !finishing.is_limited && !edgeq_is_narrow(f);
    const int8_t *const last = y0 + channels - 2;

    for (;;) {
        edgeq_add_lane_record(&s);
        if (is_quick) {
            finish_four_unlimited(&s, &y0, &y1);
        } else {
            finish_four(&finishing, &s, &y0, &y1);
        }
        if (y0 > last) {
            if (y0 == last + 2) {
                return;
            }
            --y0;
            --y1;
        }
    }
}

/* The same where the table has short words. */
static NOINLINE void convolve_two_short(bool is_narrow, const uint32_t *stream, const uint32_t *end, const int32_t *k,
                                        int8_t *y0, int8_t *y1, int32_t channels)
{
    edgeq_lane_records s = {stream, end, k, y0, y1, y0 + channels - 2};

    edgeq_finish_lane_records(is_narrow, &s);
    if (s.y0 != y0 + channels) {
        --s.y0;
        --s.y1;
        edgeq_finish_lane_records(is_narrow, &s);
    }
}

/* Where the windows are. */
typedef struct {
    const cmsis_nn_conv_params *p;
    const cmsis_nn_dims *in;
    const cmsis_nn_dims *filter;
    const cmsis_nn_dims *out;
    const int8_t *image;
    int32_t x; /* of the next output */
    int32_t y;
    bool backwards;
} cursor;

/* The top left corner of a window on the image; beside the image where it hangs over an edge. */
typedef struct {
    const int8_t *image;
    int32_t x;
    int32_t y;
    bool is_inside;
} window;

/* The next window, from left to right, from top to bottom, image after image; or the other way round. */
static inline window next_window(cursor *c)
{
    window w;

    w.image = c->image;
    w.x = c->x * c->p->stride.w - c->p->padding.w;
    w.y = c->y * c->p->stride.h - c->p->padding.h;
    w.is_inside = w.x >= 0 && w.y >= 0 && w.x + (c->filter->w - 1) * c->p->dilation.w < c->in->w &&
                  w.y + (c->filter->h - 1) * c->p->dilation.h < c->in->h;
    if (c->backwards) {
        if (--c->x < 0) {
            c->x = c->out->w - 1;
            if (--c->y < 0) {
                c->y = c->out->h - 1;
                c->image -= c->in->h * c->in->w * c->in->c;
            }
        }
    } else if (++c->x == c->out->w) {
        c->x = 0;
        if (++c->y == c->out->h) {
            c->y = 0;
            c->image += c->in->h * c->in->w * c->in->c;
        }
    }
    return w;
}

static inline const int8_t *corner(const cursor *c, window w)
{
    return w.image + (w.y * c->in->w + w.x) * c->in->c;
}

/* Copies a window, the zero point in place of what is not on the image. */
static NOINLINE void copy_window(const cursor *c, window w, int8_t *copy)
{
    const int32_t channels = c->in->c;
    const int32_t dilation = c->p->dilation.w;
    const int32_t bytes = c->filter->w * channels;
    edgeq_taps cols = {0, c->filter->w};
    int32_t run, row, col;

    if (!w.is_inside) {
        cols = edgeq_clip_taps(w.x, c->in->w, c->filter->w, dilation);
        edgeq_fill_few(copy, -c->p->input_offset, bytes * c->filter->h);
    }
    /* Taps that are neighbours are copied in one run. */
    run = dilation == 1 ? cols.end - cols.first : 1;
    for (row = 0; row < c->filter->h; ++row, copy += bytes, w.y += c->p->dilation.h) {
        if (w.y >= 0 && w.y < c->in->h) {
            const int8_t *const x = w.image + (w.y * c->in->w + w.x) * channels;
            for (col = cols.first; col < cols.end; col += run) {
                edgeq_copy_few(copy + col * channels, x + col * dilation * channels, run * channels);
            }
        }
    }
}

/* A stream that is being written. */
typedef struct {
    uint32_t *block;
    uint32_t sum; /* of what the block holds */
    int32_t held; /* inputs in the block, fewer than four */
} writer;

static inline void write_some(writer *w, const int8_t *x0, const int8_t *x1, int32_t count)
{
    for (; count > 0; --count) {
        const uint32_t x = (uint32_t)(int32_t)*x0++ + ((uint32_t)(int32_t)*x1++ << 16);
        w->block[++w->held] = x;
        w->sum += x;
    }
    w->block[0] = 0x8000u - (w->sum << 7);
}

/* The stream of two windows that lie on the image, row by row; a block may hold the end of one and the beginning of the
 * next row. What the last blocks hold beyond the windows is left as it is: zeros. */
static NOINLINE void write_rows(uint32_t *stream, const int8_t *x0, const int8_t *x1, int32_t rows, int32_t row,
                                int32_t pitch)
{
    writer w = {stream, 0u, 0};

    for (; rows > 0; --rows, x0 += pitch, x1 += pitch) {
        int32_t done = 0;

        if (w.held > 0) {
            done = 4 - w.held < row ? 4 - w.held : row;
            write_some(&w, x0, x1, done);
            if (w.held < 4) {
                continue;
            }
            w.block += EDGEQ_BLOCK_WORDS;
        }
        w.block = edgeq_write_stream(w.block, x0 + done, x1 + done, (row - done) / 4);
        done += (row - done) & ~3;
        w.sum = 0u;
        w.held = 0;
        if (done < row) {
            write_some(&w, x0 + done, x1 + done, row - done);
        }
    }
}

/* Blocks without inputs. */
static void clear_blocks(uint32_t *stream, int32_t blocks)
{
    for (; blocks > 0; --blocks, stream += EDGEQ_BLOCK_WORDS) {
        stream[0] = 0x8000u;
        memset(stream + 1, 0, 4 * (EDGEQ_BLOCK_WORDS - 1));
    }
}

/* Whether a window is a pixel, the one at the result's place. */
static bool is_pointwise(const cmsis_nn_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                         const cmsis_nn_dims *out)
{
    return filter->w == 1 && filter->h == 1 && p->stride.w == 1 && p->stride.h == 1 && p->padding.w == 0 &&
           p->padding.h == 0 && out->w == in->w && out->h == in->h;
}

static bool is_computable(const cmsis_nn_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                          const cmsis_nn_dims *out)
{
    if (in->n < 1 || in->h < 1 || in->w < 1 || in->c < 1 || filter->h < 1 || filter->w < 1 || out->h < 1 ||
        out->w < 1 || out->c < 2) {
        return false;
    }
    if (p->stride.h < 1 || p->stride.w < 1 || p->dilation.h < 1 || p->dilation.w < 1 || p->padding.h < 0 ||
        p->padding.w < 0) {
        return false;
    }
    return filter->c == in->c;
}

arm_cmsis_nn_status edgeq_convolve_lanes_s8(const cmsis_nn_context *ctx,
                                            const cmsis_nn_conv_params *conv_params,
                                            const cmsis_nn_dims *input_dims,
                                            const int8_t *input_data,
                                            const cmsis_nn_dims *filter_dims,
                                            const int32_t *packed,
                                            bool is_narrow,
                                            bool is_short,
                                            bool backwards,
                                            const cmsis_nn_dims *output_dims,
                                            int8_t *output_data)
{
    const int32_t row = filter_dims->w * input_dims->c;
    const int32_t size = filter_dims->h * row;
    const int32_t padded = (size + 7) & ~7;
    const int32_t words = padded / 4 * EDGEQ_BLOCK_WORDS;
    const bool copies_all = filter_dims->w > 1 && conv_params->dilation.w > 1;
    const int32_t pitch = conv_params->dilation.h * input_dims->w * input_dims->c;
    const int32_t pixels = input_dims->n * output_dims->h * output_dims->w;
    const int32_t low = conv_params->activation.min;
    const int32_t high = conv_params->activation.max;
    const edgeq_finishing finishing = {is_narrow, low > -128 || high < 127, low, high};
    cursor c = {conv_params, input_dims, filter_dims, output_dims, input_data, 0, 0, backwards};
    uint32_t *const stream = ctx->buf;
    int8_t *const copies = (int8_t *)(stream + words);
    const bool has_copies = ctx->size >= 4 * words + 2 * padded;
    const bool has_plain_pixels = is_pointwise(conv_params, input_dims, filter_dims, output_dims);
    int8_t *y, *y_other;
    int32_t done;

    if (!is_computable(conv_params, input_dims, filter_dims, output_dims) || stream == NULL ||
        ctx->size < 4 * words || !edgeq_can_finish(&finishing)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    /* What follows a window has no weight. */
    if (has_copies) {
        memset(copies, 0, (size_t)(2 * padded));
    }
    clear_blocks(stream + words - 2 * EDGEQ_BLOCK_WORDS, 2);
    if (backwards) {
        c.image += (input_dims->n - 1) * input_dims->h * input_dims->w * input_dims->c;
        c.x = output_dims->w - 1;
        c.y = output_dims->h - 1;
    }
    for (done = 0; done < pixels; done += 2) {
        /* The last of an odd number of pixels is computed twice. */
        const int32_t pixel = backwards ? pixels - 1 - done : done;
        const int32_t other = done + 1 == pixels ? pixel : backwards ? pixel - 1 : pixel + 1;

        if (has_plain_pixels) {
            write_rows(stream, input_data + pixel * row, input_data + other * row, 1, row, 0);
        } else {
            const window first = next_window(&c);
            const window second = other == pixel ? first : next_window(&c);

            if (!copies_all && first.is_inside && second.is_inside) {
                write_rows(stream, corner(&c, first), corner(&c, second), filter_dims->h, row, pitch);
            } else {
                if (!has_copies) {
                    return ARM_CMSIS_NN_ARG_ERROR;
                }
                copy_window(&c, first, copies);
                copy_window(&c, second, copies + padded);
                write_rows(stream, copies, copies + padded, 1, padded, 0);
            }
        }
        y = output_data + pixel * output_dims->c;
        y_other = output_data + other * output_dims->c;
        if (is_short) {
            convolve_two_short(is_narrow, stream, stream + words, packed, y, y_other, output_dims->c);
        } else {
            convolve_two(&finishing, stream, stream + words, packed, y, y_other, output_dims->c);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
