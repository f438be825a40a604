/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of signs by signs: 32 products are an exclusive or and a count of bits.
 *
 * An image becomes bits once (edgeq_bit_rows.h), or each window does where they share nothing. The bits of two windows lie
 * in words side by side and serve all output channels, whose weights lie in the same order. With n products of which d are
 * of unlike signs, their sum is n - 2 d; n is part of the bias. Where a window hangs over an edge, a mask leaves out what
 * is not on the image; not so where the input's offset is 1, for there -1 is a zero already.
 */
#include "edgeq_bit_rows.h"
#include "edgeq_bits.h"
#include "edgeq_convolution.h"
#include "edgeq_kernels_binary.h"

/* What all windows have in common. */
typedef struct {
    const int32_t *packed;
    int32_t inputs;
    int32_t words;     /* of a window */
    int32_t rest;      /* of them, after as many threes as there are */
    int32_t channels;  /* of the output */
    bool by_two_words; /* whether these make a result */
    bool is_limited;   /* whether the activation is narrower than int8 */
    int32_t offset;
    int32_t low;
    int32_t high;
} layer;

/* Two windows, of which the first waits for the second. */
typedef struct {
    const layer *v;
    uint32_t *words;    /* the first's, the second's, and so on; with masks, each followed by its mask's */
    int32_t step;       /* words from one of a window to its next: 2, with masks 4 */
    int32_t count;      /* windows that are there */
    int8_t *y[2];       /* their results */
    int32_t missing[2]; /* products that their masks leave out */
    edgeq_taps rows[2]; /* what their masks are of: rows of the window, */
    int32_t at[2];      /* and a place */
} pair;

/* All channels of a pixel, whose window is at x. missing: products that the mask leaves out. */
static inline __attribute__((always_inline)) void convolve_one(const layer *v, const uint32_t *x, bool is_masked,
                                                               int32_t missing, int8_t *y)
{
    const edgeq_fields f = edgeq_make_fields();
    const int32_t *k = v->packed;
    int32_t left;

    for (left = v->channels; left > 0; --left) {
        const int32_t unlike = edgeq_differing(f, x, is_masked ? 4 : 2, is_masked, k, v->words);

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
}

static EDGEQ_NOINLINE void convolve_whole(const layer *v, const uint32_t *x, int8_t *y)
{
    convolve_one(v, x, false, 0, y);
}

static EDGEQ_NOINLINE void convolve_masked(const layer *v, const uint32_t *x, int32_t missing, int8_t *y)
{
    convolve_one(v, x, true, missing, y);
}

#if defined(__ARM_FEATURE_DSP)
/* Adds up the bits of each nibble of a word, of both pixels, and of further words; without masks and with them. */
#define UNLIKE                                                   \
    "ldr %[w], [%[k]], #4\n\t"                                   \
    "ldrd %[a], %[b], [%[x]], #8\n\t"                            \
    "eor %[a], %[a], %[w]\n\t"                                   \
    "eor %[b], %[b], %[w]\n\t"
#define UNLIKE_ON_IMAGE                                          \
    "ldr %[w], [%[k]], #4\n\t"                                   \
    "ldrd %[a], %[t], [%[x]], #8\n\t"                            \
    "eor %[a], %[a], %[w]\n\t"                                   \
    "and %[a], %[a], %[t]\n\t"                                   \
    "ldrd %[b], %[t], [%[x]], #8\n\t"                            \
    "eor %[b], %[b], %[w]\n\t"                                   \
    "and %[b], %[b], %[t]\n\t"
#define PAIRS                                                    \
    "and %[t], %[m5], %[a], lsr #1\n\t"                          \
    "sub %[a], %[a], %[t]\n\t"                                   \
    "and %[t], %[m5], %[b], lsr #1\n\t"                          \
    "sub %[b], %[b], %[t]\n\t"
#define FIRST(unlike)                                            \
    unlike PAIRS                                                 \
    "and %[t], %[m3], %[a], lsr #2\n\t"                          \
    "and %[p], %[m3], %[a]\n\t"                                  \
    "add %[p], %[p], %[t]\n\t"                                   \
    "and %[t], %[m3], %[b], lsr #2\n\t"                          \
    "and %[q], %[m3], %[b]\n\t"                                  \
    "add %[q], %[q], %[t]\n\t"
#define FURTHER(unlike)                                          \
    unlike PAIRS                                                 \
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
#define THREES(unlike)                                           \
    "1:\n\t" FIRST(unlike) FURTHER(unlike) FURTHER(unlike) ADDED \
    "ldr %[t], %[end]\n\t"                                       \
    "cmp %[x], %[t]\n\t"                                         \
    "bne 1b\n\t"
/* Threes, and what is left, of any number of words. */
#define ANY(unlike)                                              \
    "ldr %[t], %[end]\n\t"                                       \
    "cmp %[x], %[t]\n\t"                                         \
    "beq 2f\n\t" THREES(unlike)                                  \
    "2:\n\t"                                                     \
    "ldr %[t], %[rest]\n\t"                                      \
    "cmp %[t], #0\n\t"                                           \
    "beq 4f\n\t" FIRST(unlike)                                   \
    "ldr %[t], %[rest]\n\t"                                      \
    "cmp %[t], #1\n\t"                                           \
    "beq 3f\n\t" FURTHER(unlike)                                 \
    "3:\n\t" ADDED                                               \
    "4:\n\t"
/* Of numbers of unlike signs twice as much and what is missing, and half of what is for twice as much. */
#define MISSING                                                  \
    "ldr %[a], %[missing_p]\n\t"                                 \
    "ldr %[b], %[missing_q]\n\t"                                 \
    "add %[of_p], %[a], %[of_p], lsl #1\n\t"                     \
    "add %[of_q], %[b], %[of_q], lsl #1\n\t"                     \
    "asr %[w], %[w], #1\n\t"
#define CHANNELS(words, missing)                                 \
    "0:\n\t"                                                     \
    "ldr %[x], %[start]\n\t"                                     \
    "mov %[of_p], #0\n\t"                                        \
    "mov %[of_q], #0\n\t" words                                  \
    "ldrd %[w], %[t], [%[k]], #8\n\t" missing                    \
    "ldr %[b], %[apart]\n\t"                                     \
    "mls %[of_q], %[of_q], %[w], %[t]\n\t"                       \
    "mls %[of_p], %[of_p], %[w], %[t]\n\t"                       \
    "ssat %[of_q], #8, %[of_q], asr #18\n\t"                     \
    "ssat %[of_p], #8, %[of_p], asr #18\n\t"                     \
    "ldr %[w], %[k_end]\n\t"                                     \
    "strb %[of_q], [%[y], %[b]]\n\t"                             \
    "strb %[of_p], [%[y]], #1\n\t"                               \
    "cmp %[k], %[w]\n\t"                                         \
    "bne 0b"
#define OPERANDS                                                                                                      \
    : [x] "=&r"(x), [k] "+r"(k), [w] "=&r"(w), [a] "=&r"(a), [b] "=&r"(b), [p] "=&r"(p), [q] "=&r"(q), [t] "=&r"(t),  \
      [of_p] "=&r"(of_p), [of_q] "=&r"(of_q), [y] "+r"(y)                                                             \
    : [start] "m"(start), [end] "m"(end), [rest] "m"(rest), [apart] "m"(apart), [k_end] "m"(k_end),                   \
      [missing_p] "m"(missing_p), [missing_q] "m"(missing_q), [m5] "r"(0x55555555u), [m3] "r"(0x33333333u),           \
      [mf] "r"(0x0f0f0f0fu)                                                                                           \
    : "cc", "memory"

/*
 * All channels of two pixels by two words each; the second's results are written first. By hand: it takes all fourteen
 * registers. Limits narrower than int8 are for the caller.
 */
static EDGEQ_NOINLINE void convolve_two(const pair *two)
{
    const layer *const v = two->v;
    const int32_t rest = v->rest;
    const uint32_t *const start = two->words;
    const uint32_t *const end = start + two->step * (v->words - rest);
    const int32_t *k = v->packed;
    const int32_t *const k_end = k + v->channels * (v->words + 2);
    const int32_t apart = (int32_t)(two->y[1] - two->y[0]);
    const int32_t missing_p = two->missing[0];
    const int32_t missing_q = two->missing[1];
    int8_t *y = two->y[0];
    const uint32_t *x;
    uint32_t w, a, b, p, q, t;
    int32_t of_p, of_q;

    if (two->step != 2) {
        __asm__ volatile(CHANNELS(ANY(UNLIKE_ON_IMAGE), MISSING) OPERANDS);
    } else if (!EDGEQ_HAS_SHORT_CUTS) {
        __asm__ volatile(CHANNELS(ANY(UNLIKE), "") OPERANDS);
    } else if (v->words == 1) {
        __asm__ volatile(CHANNELS(FIRST(UNLIKE) ADDED, "") OPERANDS);
    } else if (v->words == 2) {
        __asm__ volatile(CHANNELS(FIRST(UNLIKE) FURTHER(UNLIKE) ADDED, "") OPERANDS);
    } else if (rest == 0) {
        __asm__ volatile(CHANNELS(THREES(UNLIKE), "") OPERANDS);
    } else if (rest == 1) {
        __asm__ volatile(CHANNELS(THREES(UNLIKE) FIRST(UNLIKE) ADDED, "") OPERANDS);
    } else {
        __asm__ volatile(CHANNELS(THREES(UNLIKE) FIRST(UNLIKE) FURTHER(UNLIKE) ADDED, "") OPERANDS);
    }
}
#endif

/* The windows that are there. */
static EDGEQ_NOINLINE void convolve_each(const pair *two)
{
    int32_t pixel;

    for (pixel = 0; pixel < two->count; ++pixel) {
        if (two->step == 2) {
            convolve_whole(two->v, two->words + pixel, two->y[pixel]);
        } else {
            convolve_masked(two->v, two->words + 2 * pixel, two->missing[pixel], two->y[pixel]);
        }
    }
}

static EDGEQ_NOINLINE void limit_each(const pair *two)
{
    const layer *const v = two->v;
    int32_t pixel, c;

    for (pixel = 0; pixel < two->count; ++pixel) {
        for (c = 0; c < v->channels; ++c) {
            two->y[pixel][c] = (int8_t)edgeq_clamp(two->y[pixel][c], v->low, v->high);
        }
    }
}

static inline void convolve_pair(pair *two)
{
#if defined(__ARM_FEATURE_DSP)
    if (two->v->by_two_words && two->count == 2) {
        convolve_two(two);
    } else
#endif
    {
        convolve_each(two);
    }
    if (two->v->is_limited) {
        limit_each(two);
    }
    two->count = 0;
}

/* Where the next window belongs. */
static inline uint32_t *next_words(const pair *two)
{
    return two->words + two->count * (two->step >> 1);
}

/* The next window is there. */
static inline void put(pair *two, int8_t *y)
{
    two->y[two->count++] = y;
    if (two->count == 2) {
        convolve_pair(two);
    }
}

static void put_last(pair *two)
{
    if (two->count == 1) {
        convolve_pair(two);
    }
}

/* Words that fill up. */
typedef struct {
    uint32_t *to;
    int32_t step;
    uint32_t next; /* of the next word what is there, */
    int32_t place; /* so many bits */
} filling;

/* So many bits, up to 32; what is above them is 0. */
static inline void append(filling *f, uint32_t bits, int32_t count)
{
    f->next |= bits << f->place;
    f->place += count;
    if (f->place >= 32) {
        *f->to = f->next;
        f->to += f->step;
        f->place -= 32;
        f->next = bits >> (count - f->place);
    }
}

/* Bits of a string that are neighbours. */
static inline void append_run(filling *f, edgeq_bit_run r, const int8_t *x, uint32_t shift)
{
    int32_t left;

    for (left = r.pieces; left > 0; --left, x += 3) {
        append(f, edgeq_load_s8x4(x) >> shift & 0xffffffu, 24);
    }
    append(f, edgeq_load_s8x4(x) >> shift & r.mask, r.rest);
}

/* The words of the next window, or of its mask, from that bit on. Of a mask all rows are the same. */
static EDGEQ_NOINLINE void take_words(const pair *two, const edgeq_bit_rows *b, const edgeq_band *band, int32_t at,
                                      bool is_mask)
{
    const int32_t row_step = is_mask ? 0 : 4 * b->row_step;
    const edgeq_bit_run r = b->by;
    const int8_t *row = (const int8_t *)band->row;
    filling f = {next_words(two) + (is_mask ? 1 : 0), two->step, 0, band->taps.first * b->row_bits};
    const uint32_t *const end = f.to + two->v->words * f.step;
    int32_t rows = band->taps.end - band->taps.first;
    int32_t left;

    for (; f.place >= 32; f.place -= 32, f.to += f.step) {
        *f.to = 0;
    }
    if (b->runs == 1 && ((at | f.place | b->run) & 31) == 0) {
        for (; rows > 0; --rows, row += row_step) {
            const uint32_t *word = (const uint32_t *)(const void *)row + (at >> 5);
            for (left = b->run; left > 0; left -= 32, f.to += f.step) {
                *f.to = *word++;
            }
        }
    } else if (b->runs == 1 && r.pieces == 0) {
        const uint32_t shift = (uint32_t)at & 7u;
        for (row += at >> 3; rows > 0; --rows, row += row_step) {
            append(&f, edgeq_load_s8x4(row) >> shift & r.mask, r.rest);
        }
    } else if (b->runs == 1) {
        for (; rows > 0; --rows, row += row_step) {
            append_run(&f, r, row + (at >> 3), (uint32_t)at & 7u);
        }
    } else {
        for (; rows > 0; --rows, row += row_step) {
            int32_t from = at;
            for (left = b->runs; left > 0; --left, from += b->run_step) {
                append_run(&f, r, row + (from >> 3), (uint32_t)from & 7u);
            }
        }
    }
    for (; f.to != end; f.to += f.step, f.next = 0) {
        *f.to = f.next;
    }
}

/* Windows `step` inputs apart, of `rows` rows, `pitch` inputs apart, of inputs that follow each other and, if there are
 * several rows, fill words. */
static EDGEQ_NOINLINE void convolve_in_place(pair *two, int32_t threshold, const int8_t *x, int32_t step, int32_t rows,
                                             int32_t pitch, int32_t windows, int8_t *y)
{
    const edgeq_threshold level = edgeq_make_threshold(threshold);
    const int32_t inputs = two->v->inputs / rows;
    int32_t row;

    for (; windows > 0; --windows, x += step, y += two->v->channels) {
        uint32_t *to = next_words(two);
        for (row = 0; row < rows; ++row, to += two->step * (inputs / 32)) {
            edgeq_pack_words(level, threshold, x + row * pitch, inputs, to, two->step);
        }
        put(two, y);
    }
}

/* Sets the mask of the next window. `ones`: the rows that are on the image, all of them 1. */
static EDGEQ_NOINLINE void set_mask(pair *two, const edgeq_bit_rows *b, edgeq_band ones, int32_t at)
{
    const int32_t words = two->v->words;
    const int32_t i = two->count;
    const uint32_t *mask = next_words(two) + 1;
    const edgeq_fields f = edgeq_make_fields();
    int32_t present = 0;
    int32_t left;

    /* All windows that hang over neither side have the same. */
    at = at < b->front || at > b->last ? at : b->front;
    if (two->at[i] == at && two->rows[i].first == ones.taps.first && two->rows[i].end == ones.taps.end) {
        return;
    }
    take_words(two, b, &ones, at, true);
    for (left = words; left > 0; --left, mask += two->step) {
        present = edgeq_add_nibbles(f, present, edgeq_bits_of_nibbles(f, *mask));
    }
    two->missing[i] = two->v->inputs - present;
    two->rows[i] = ones.taps;
    two->at[i] = at;
}

/* A row of windows; those that hang over an edge belong to `masked`. `ones`: a string of an image that is 1 all over, or
 * NULL where nothing is left out. */
static EDGEQ_NOINLINE void convolve_row(pair *two, pair *masked, const edgeq_bit_rows *b, edgeq_band band,
                                        const uint32_t *ones, int32_t windows, int8_t *y)
{
    const layer *const v = two->v;
    const edgeq_band all = {ones, band.taps};
    const bool is_whole = (band.taps.end - band.taps.first) * b->row_bits == v->inputs;
    int32_t at = b->first;

    for (; windows > 0; --windows, at += b->step, y += v->channels) {
        const bool is_inside = ones == NULL || (is_whole && at >= b->front && at <= b->last);
        pair *const to = is_inside ? two : masked;

        take_words(to, b, &band, at, false);
        if (!is_inside) {
            set_mask(to, b, all, at);
        }
        put(to, y);
    }
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
    const int32_t inputs = filter_dims->h * filter_dims->w * input_dims->c;
    const int32_t width = input_dims->w * input_dims->c;
    const int32_t words = (inputs + 31) / 32;
    const layer v = {packed, inputs, words, words % 3, output_dims->c, by_two_words,
                     conv_params->activation.min > -128 || conv_params->activation.max < 127,
                     conv_params->output_offset, conv_params->activation.min, conv_params->activation.max};
    pair two = {&v, ctx->buf, 2, 0, {NULL, NULL}, {0, 0}, {{0, 0}, {0, 0}}, {-1, -1}};
    pair masked = two;
    edgeq_bit_rows b;
    const uint32_t *ones = NULL;
    int32_t n, oy;

    if (!edgeq_is_convolution(conv_params, input_dims, filter_dims, output_dims) || ctx->buf == NULL ||
        ctx->size < 8 * words) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    if ((filter_dims->h == 1 || filter_dims->w * input_dims->c % 32 == 0) && edgeq_are_apart(conv_params, filter_dims) &&
        edgeq_are_in_place(conv_params, input_dims, filter_dims, output_dims)) {
        for (n = input_dims->n; n > 0; --n, input_data += input_dims->h * width) {
            for (oy = 0; oy < output_dims->h; ++oy, output_data += output_dims->w * v.channels) {
                convolve_in_place(&two, threshold, input_data + oy * conv_params->stride.h * width,
                                  conv_params->stride.w * input_dims->c, filter_dims->h, conv_params->dilation.h * width,
                                  output_dims->w, output_data);
            }
        }
        put_last(&two);
        return ARM_CMSIS_NN_SUCCESS;
    }
    masked.words = two.words + 2 * words;
    masked.step = 4;
    b = edgeq_make_bit_rows(conv_params, input_dims, filter_dims, output_dims, masked.words + 4 * words);
    if (ctx->size < 4 * (6 * words + b.pitch * (b.height + 1))) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    if (conv_params->input_offset == 0) {
        ones = edgeq_make_ones(&b);
    }
    for (n = input_dims->n; n > 0; --n, input_data += input_dims->h * width) {
        edgeq_pack_rows(&b, threshold, input_data, width);
        for (oy = 0; oy < output_dims->h; ++oy, output_data += output_dims->w * v.channels) {
            const int32_t y = oy * conv_params->stride.h - conv_params->padding.h;
            const edgeq_band band = edgeq_band_of(&b, conv_params, input_dims, filter_dims, y);
            convolve_row(&two, &masked, &b, band, ones, output_dims->w, output_data);
        }
        put_last(&two);
        put_last(&masked);
    }
    return ARM_CMSIS_NN_SUCCESS;
}
