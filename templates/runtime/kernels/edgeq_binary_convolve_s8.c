/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of signs by signs: 32 products are an exclusive or and a count of bits.
 *
 * An image becomes bits once, eight channels of a pixel to a byte. Each window is copied into words and serves all output
 * channels, whose weights lie in the same order, two pixels at a time on cores with the DSP extension. With n products of
 * which d are of unlike signs, their sum is n - 2 d; n is part of the bias. Where a window hangs over an edge, a mask
 * leaves out what is not on the image; not so where the input's offset is 1, for there -1 is a zero already.
 */
#include "edgeq_bits.h"
#include "edgeq_cursor.h"
#include "edgeq_kernels_binary.h"

/* What all windows have in common. */
typedef struct {
    int32_t words;    /* of a window */
    int32_t channels; /* of the output */
    bool by_two_words; /* whether these make a result */
    bool is_limited;  /* whether the activation is narrower than int8 */
    int32_t offset;
    int32_t low;
    int32_t high;
} layer;

/* All channels of a pixel, whose window is at x. missing: products that the mask leaves out. */
static inline void convolve_one(const layer *v, const uint32_t *x, const uint32_t *mask, int32_t missing,
                                const int32_t *k, int8_t *y)
{
    const edgeq_fields f = edgeq_make_fields();
    int32_t left;

    for (left = v->channels; left > 0; --left) {
        const int32_t unlike = edgeq_differing(f, x, k, mask, v->words);

        k += v->words;
        if (v->by_two_words) {
            const uint32_t c = (uint32_t)k[1] - (uint32_t)missing * (uint32_t)(k[0] >> 1);
            *y++ = edgeq_finish_few_s8(unlike, k[0], c);
            k += 2;
        } else {
            const int32_t sum = k[0] - missing - 2 * unlike;
            *y++ = edgeq_saturate_s8(edgeq_requantize(sum, k[1], k[2]), v->offset, INT8_MIN, INT8_MAX);
            k += 3;
        }
    }
    if (v->is_limited) {
        for (left = v->channels; left > 0; --left) {
            --y;
            *y = (int8_t)edgeq_clamp(*y, v->low, v->high);
        }
    }
}

#if defined(__ARM_FEATURE_DSP)
/* Adds up the bits of each nibble of a word, of both pixels, and of further words. */
#define COUNTED                                                  \
    "ldr %[w], [%[k]], #4\n\t"                                   \
    "ldr %[b], [%[x], %[apart]]\n\t"                             \
    "ldr %[a], [%[x]], #4\n\t"                                   \
    "eor %[b], %[b], %[w]\n\t"                                   \
    "eor %[a], %[a], %[w]\n\t"                                   \
    "and %[t], %[m5], %[a], lsr #1\n\t"                          \
    "sub %[a], %[a], %[t]\n\t"                                   \
    "and %[t], %[m5], %[b], lsr #1\n\t"                          \
    "sub %[b], %[b], %[t]\n\t"
#define FIRST                                                    \
    COUNTED                                                      \
    "and %[t], %[m3], %[a], lsr #2\n\t"                          \
    "and %[p], %[m3], %[a]\n\t"                                  \
    "add %[p], %[p], %[t]\n\t"                                   \
    "and %[t], %[m3], %[b], lsr #2\n\t"                          \
    "and %[q], %[m3], %[b]\n\t"                                  \
    "add %[q], %[q], %[t]\n\t"
#define FURTHER                                                  \
    COUNTED                                                      \
    "and %[t], %[m3], %[a], lsr #2\n\t"                          \
    "and %[a], %[m3], %[a]\n\t"                                  \
    "add %[p], %[p], %[t]\n\t"                                   \
    "add %[p], %[p], %[a]\n\t"                                   \
    "and %[t], %[m3], %[b], lsr #2\n\t"                          \
    "and %[b], %[m3], %[b]\n\t"                                  \
    "add %[q], %[q], %[t]\n\t"                                   \
    "add %[q], %[q], %[b]\n\t"
#define ADDED                                                    \
    "and %[t], %[mf], %[p], lsr #4\n\t"                          \
    "and %[p], %[mf], %[p]\n\t"                                  \
    "add %[p], %[p], %[t]\n\t"                                   \
    "and %[t], %[mf], %[q], lsr #4\n\t"                          \
    "and %[q], %[mf], %[q]\n\t"                                  \
    "add %[q], %[q], %[t]\n\t"                                   \
    "mov %[w], #0\n\t"                                           \
    "usada8 %[of_p], %[p], %[w], %[of_p]\n\t"                    \
    "usada8 %[of_q], %[q], %[w], %[of_q]\n\t"
#define THREES                                                   \
    "1:\n\t" FIRST FURTHER FURTHER ADDED                         \
    "ldr %[t], %[end]\n\t"                                       \
    "cmp %[x], %[t]\n\t"                                         \
    "bne 1b\n\t"
#define CHANNELS(words)                                          \
    "0:\n\t"                                                     \
    "ldr %[x], %[start]\n\t"                                     \
    "mov %[of_p], #0\n\t"                                        \
    "mov %[of_q], #0\n\t" words                                  \
    "ldrd %[w], %[t], [%[k]], #8\n\t"                            \
    "ldr %[a], %[y]\n\t"                                         \
    "ldr %[b], %[step]\n\t"                                      \
    "mls %[of_q], %[of_q], %[w], %[t]\n\t"                       \
    "mls %[of_p], %[of_p], %[w], %[t]\n\t"                       \
    "ssat %[of_q], #8, %[of_q], asr #18\n\t"                     \
    "ssat %[of_p], #8, %[of_p], asr #18\n\t"                     \
    "ldr %[w], %[k_end]\n\t"                                     \
    "strb %[of_q], [%[a], %[b]]\n\t"                             \
    "strb %[of_p], [%[a]], #1\n\t"                               \
    "str %[a], %[y]\n\t"                                         \
    "cmp %[k], %[w]\n\t"                                         \
    "bne 0b"
#define OPERANDS                                                                                                  \
    : [x] "=&r"(x), [k] "+r"(k), [w] "=&r"(w), [a] "=&r"(a), [b] "=&r"(b), [p] "=&r"(p), [q] "=&r"(q), [t] "=&r"(t), \
      [of_p] "=&r"(of_p), [of_q] "=&r"(of_q), [y] "+m"(y)                                                         \
    : [start] "m"(start), [end] "m"(end), [step] "m"(step), [k_end] "m"(k_end), [apart] "r"(apart),               \
      [m5] "r"(0x55555555u), [m3] "r"(0x33333333u), [mf] "r"(0x0f0f0f0fu)                                         \
    : "cc", "memory"

/*
 * All channels of two pixels by two words each, whose windows are at `start` and `apart` bytes further; the second's results
 * are `step` bytes further. By hand: it takes all fourteen registers. Limits narrower than int8 are for the caller.
 */
static EDGEQ_NOINLINE void convolve_two(const layer *v, const uint32_t *start, int32_t apart, const int32_t *k, int8_t *y,
                                        int32_t step)
{
    const int32_t rest = v->words % 3;
    const uint32_t *const end = start + (v->words - rest);
    const int32_t *const k_end = k + v->channels * (v->words + 2);
    const uint32_t *x;
    uint32_t w, a, b, p, q, t;
    int32_t of_p, of_q;

    if (v->words < 3) {
        if (rest == 1) {
            __asm__(CHANNELS(FIRST ADDED) OPERANDS);
        } else {
            __asm__(CHANNELS(FIRST FURTHER ADDED) OPERANDS);
        }
    } else if (rest == 0) {
        __asm__(CHANNELS(THREES) OPERANDS);
    } else if (rest == 1) {
        __asm__(CHANNELS(THREES FIRST ADDED) OPERANDS);
    } else {
        __asm__(CHANNELS(THREES FIRST FURTHER ADDED) OPERANDS);
    }
}
#endif

static EDGEQ_NOINLINE void convolve_whole(const layer *v, const uint32_t *x, const int32_t *k, int8_t *y)
{
    convolve_one(v, x, NULL, 0, k, y);
}

/* Two pixels, whose windows no mask has to cut; the second may be the first. */
static void convolve_pair(const layer *v, const uint32_t *const x[2], const int32_t *k, int8_t *const y[2])
{
#if defined(__ARM_FEATURE_DSP)
    if (v->by_two_words && y[1] != y[0]) {
        int32_t pixel, c;

        convolve_two(v, x[0], (int32_t)((const int8_t *)x[1] - (const int8_t *)x[0]), k, y[0], (int32_t)(y[1] - y[0]));
        for (pixel = 0; v->is_limited && pixel < 2; ++pixel) {
            for (c = 0; c < v->channels; ++c) {
                y[pixel][c] = (int8_t)edgeq_clamp(y[pixel][c], v->low, v->high);
            }
        }
        return;
    }
#endif
    convolve_whole(v, x[0], k, y[0]);
    if (y[1] != y[0]) {
        convolve_whole(v, x[1], k, y[1]);
    }
}

static EDGEQ_NOINLINE void convolve_masked(const layer *v, const uint32_t *x, const uint32_t *mask, int32_t missing,
                                           const int32_t *k, int8_t *y)
{
    convolve_one(v, x, mask, missing, k, y);
}

/* Sets the bytes of the taps that are on the image, clears the others; how many taps are not. */
static EDGEQ_NOINLINE int32_t mask_window(const edgeq_cursor *c, edgeq_place w, int8_t *mask)
{
    const edgeq_taps rows = edgeq_clip_taps(w.y, c->in->h, c->filter->h, c->p->dilation.h);
    const edgeq_taps cols = edgeq_clip_taps(w.x, c->in->w, c->filter->w, c->p->dilation.w);
    const int32_t bytes = c->in->c;
    const int32_t taps = c->filter->h * c->filter->w;
    int32_t row, on_image = 0;

    memset(mask, 0, (size_t)(taps * bytes));
    if (cols.end > cols.first) {
        for (row = rows.first; row < rows.end; ++row) {
            memset(mask + (row * c->filter->w + cols.first) * bytes, -1, (size_t)((cols.end - cols.first) * bytes));
            on_image += cols.end - cols.first;
        }
    }
    return taps - on_image;
}

arm_cmsis_nn_status edgeq_binary_convolve_s8(const cmsis_nn_context *ctx,
                                             const cmsis_nn_conv_params *conv_params,
                                             int32_t threshold,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const int32_t *packed,
                                             bool by_two_words,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output_data)
{
    const int32_t pixel = (input_dims->c + 7) / 8; /* bytes */
    const int32_t image = input_dims->h * input_dims->w;
    const int32_t window = filter_dims->h * filter_dims->w * pixel;
    const edgeq_threshold level = edgeq_make_threshold(threshold);
    cmsis_nn_conv_params p = *conv_params;
    cmsis_nn_dims in = *input_dims;
    cmsis_nn_dims filter = *filter_dims;
    /* A window is a pixel in whole words, which can be read where they are. */
    const bool in_place = filter_dims->h == 1 && filter_dims->w == 1 && (pixel & 3) == 0;
    uint32_t *copies[2], *mask;
    int8_t *bits;
    int32_t n, i;
    layer v;

    if (!edgeq_is_convolution(conv_params, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    v.words = (window + 3) / 4;
    if (ctx->buf == NULL || ctx->size < 12 * v.words + image * pixel) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    copies[0] = ctx->buf;
    copies[1] = copies[0] + v.words;
    mask = copies[1] + v.words;
    bits = (int8_t *)(mask + v.words);
    v.channels = output_dims->c;
    v.by_two_words = by_two_words;
    v.offset = p.output_offset;
    v.low = p.activation.min;
    v.high = p.activation.max;
    v.is_limited = v.low > -128 || v.high < 127;
    /* The bits are an image of their own, bytes for channels; what is outside of it is -1. */
    p.input_offset = 0;
    in.n = 1;
    in.c = pixel;
    filter.c = pixel;
    for (i = 0; i < 3; ++i) {
        copies[0][(i + 1) * v.words - 1] = 0;
    }
    for (n = 0; n < input_dims->n; ++n) {
        const uint32_t *x[2];
        int8_t *y[2];
        int32_t pending = 0;
        edgeq_cursor c;

        if ((input_dims->c & 7) == 0) {
            edgeq_pack_signs(level, threshold, input_data, image * input_dims->c, bits);
            input_data += image * input_dims->c;
        } else {
            for (i = 0; i < image; ++i, input_data += input_dims->c) {
                edgeq_pack_signs(level, threshold, input_data, input_dims->c, bits + i * pixel);
            }
        }
        c = edgeq_first_window(&p, &in, &filter, output_dims, bits, false);
        for (i = output_dims->h * output_dims->w; i > 0; --i, output_data += v.channels) {
            const edgeq_place w = edgeq_next_window(&c);

            x[pending] = copies[pending];
            if (in_place && w.is_inside) {
                x[pending] = (const uint32_t *)(const void *)(bits + w.at);
            } else {
                edgeq_copy_window(&c, w, (int8_t *)copies[pending]);
            }
            if (!w.is_inside && conv_params->input_offset == 0) {
                const int32_t missing = mask_window(&c, w, (int8_t *)mask);
                convolve_masked(&v, x[pending], mask, missing * input_dims->c, packed, output_data);
            } else {
                y[pending] = output_data;
                if (pending == 1) {
                    convolve_pair(&v, x, packed, y);
                }
                pending ^= 1;
            }
        }
        if (pending == 1) {
            x[1] = x[0];
            y[1] = y[0];
            convolve_pair(&v, x, packed, y);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
