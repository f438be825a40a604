/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of signs by signs: 32 products are an exclusive or and a count of bits.
 *
 * An image becomes bits once, eight channels of a pixel to a byte. Each window is copied into words and serves all output
 * channels, whose weights lie in the same order. With n products of which d are of unlike signs, their sum is n - 2 d;
 * n is part of the bias. Where a window hangs over an edge, a mask leaves out what is not on the image; not so where the
 * input's offset is 1, for there -1 is a zero already.
 */
#include "edgeq_bits.h"
#include "edgeq_cursor.h"
#include "edgeq_kernels_binary.h"

/* What all windows have in common. */
typedef struct {
    int32_t words;    /* of a window */
    int32_t channels; /* of the output */
    bool by_table;
    bool is_limited;  /* whether the activation is narrower than int8 */
    int32_t offset;
    int32_t low;
    int32_t high;
} layer;

/* How many bits of x and w differ, where the mask has them; the mask may be NULL. */
static inline int32_t differing(const uint32_t *x, const int32_t *w, const uint32_t *mask, int32_t words)
{
    int32_t sum = 0;

#define WORD(i) ((x[i] ^ (uint32_t)w[i]) & (mask != NULL ? mask[i] : 0xffffffffu))
    for (; words >= 3; words -= 3, x += 3, w += 3) {
        sum = edgeq_add_nibbles(sum, edgeq_bits_of_nibbles(WORD(0)) + edgeq_bits_of_nibbles(WORD(1)) +
                                         edgeq_bits_of_nibbles(WORD(2)));
        mask = mask != NULL ? mask + 3 : NULL;
    }
    if (words > 0) {
        uint32_t nibbles = edgeq_bits_of_nibbles(WORD(0));
        if (words > 1) {
            nibbles += edgeq_bits_of_nibbles(WORD(1));
        }
        sum = edgeq_add_nibbles(sum, nibbles);
    }
#undef WORD
    return sum;
}

/* All channels of a pixel, whose window is at x. missing: products that the mask leaves out. */
static inline void convolve_one(const layer *v, const uint32_t *x, const uint32_t *mask, int32_t missing,
                                const int32_t *k, int8_t *y)
{
    int32_t left;

    for (left = v->channels; left > 0; --left) {
        int32_t sum = k[0] - missing - 2 * differing(x, k + 1, mask, v->words);

        k += 1 + v->words;
        if (v->by_table) {
            const edgeq_channel_quant quant = {k[0], k[1], k[2]};
            sum = edgeq_finish_s8(2 * sum, quant);
            if (v->is_limited) {
                sum = edgeq_clamp(sum, v->low, v->high);
            }
        } else {
            sum = edgeq_saturate(edgeq_requantize(sum, k[0], k[2]), v->offset, v->low, v->high);
        }
        k += 3;
        *y++ = (int8_t)sum;
    }
}

static EDGEQ_NOINLINE void convolve_whole(const layer *v, const uint32_t *x, const int32_t *k, int8_t *y)
{
    convolve_one(v, x, NULL, 0, k, y);
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
                                             bool by_table,
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
    uint32_t *x, *mask;
    int8_t *bits;
    int32_t n, i;
    layer v;

    if (!edgeq_is_convolution(conv_params, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    v.words = (window + 3) / 4;
    if (ctx->buf == NULL || ctx->size < 8 * v.words + image * pixel) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    x = ctx->buf;
    mask = x + v.words;
    bits = (int8_t *)(mask + v.words);
    v.channels = output_dims->c;
    v.by_table = by_table;
    v.offset = p.output_offset;
    v.low = p.activation.min;
    v.high = p.activation.max;
    v.is_limited = v.low > -128 || v.high < 127;
    /* The bits are an image of their own, bytes for channels; what is outside of it is -1. */
    p.input_offset = 0;
    in.n = 1;
    in.c = pixel;
    filter.c = pixel;
    x[v.words - 1] = 0;
    mask[v.words - 1] = 0;
    for (n = 0; n < input_dims->n; ++n) {
        edgeq_cursor c;

        for (i = 0; i < image; ++i, input_data += input_dims->c) {
            edgeq_pack_signs(level, threshold, input_data, input_dims->c, bits + i * pixel);
        }
        c = edgeq_first_window(&p, &in, &filter, output_dims, bits, false);
        for (i = output_dims->h * output_dims->w; i > 0; --i, output_data += v.channels) {
            const edgeq_place w = edgeq_next_window(&c);

            edgeq_copy_window(&c, w, (int8_t *)x);
            if (w.is_inside || conv_params->input_offset != 0) {
                convolve_whole(&v, x, packed, output_data);
            } else {
                const int32_t missing = mask_window(&c, w, (int8_t *)mask);
                convolve_masked(&v, x, mask, missing * input_dims->c, packed, output_data);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
