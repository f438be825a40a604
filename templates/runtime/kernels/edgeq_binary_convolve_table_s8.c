/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of at most 32 signs by signs, and dense layers of as many.
 *
 * A window is one word of bits. Windows of 16 and fewer are in it twice, of 8 and fewer four times, where there are as
 * many output channels: then one exclusive or and one count serve them all. The result of each number of unlike signs is looked up.
 */
#include "edgeq_bits.h"
#include "edgeq_convolution.h"
#include "edgeq_copy.h"
#include "edgeq_kernels_binary.h"
#include "edgeq_window.h"

/* Bit i: whether x[i] is not below the threshold, i < count <= 32. */
static inline uint32_t window_signs(edgeq_threshold t, int32_t threshold, const int8_t *x, int32_t count)
{
    uint32_t bits = 0;
    int32_t i;

    if (EDGEQ_HAS_SHORT_CUTS && count == 8) {
        return edgeq_side_by_side(edgeq_reach(t, edgeq_load_s8x4(x)), edgeq_reach(t, edgeq_load_s8x4(x + 4)));
    }
    for (i = 0; i + 8 <= count; i += 8) {
        const uint32_t first = edgeq_reach(t, edgeq_load_s8x4(x + i));
        bits |= edgeq_side_by_side(first, edgeq_reach(t, edgeq_load_s8x4(x + i + 4))) << i;
    }
    if (i + 4 <= count) {
        bits |= edgeq_side_by_side(edgeq_reach(t, edgeq_load_s8x4(x + i)), 0u) << i;
        i += 4;
    }
    for (; i < count; ++i) {
        bits |= (uint32_t)(x[i] >= threshold) << i;
    }
    return bits;
}

/* How many bits of each byte of x are set. */
static inline uint32_t bits_of_bytes(edgeq_fields f, uint32_t x)
{
    const uint32_t nibbles = edgeq_bits_of_nibbles(f, x);
    return (nibbles + (nibbles >> 4)) & f.nibbles;
}

/* What all windows have in common. */
typedef struct {
    edgeq_threshold level;
    int32_t threshold;
    int32_t inputs;   /* of a window */
    int32_t channels; /* of the output */
    int32_t step;     /* bytes from window to window */
    const int32_t *packed;
} layer;

/* The channels of so many windows, the first at x; `lanes` channels to a record. */
static inline __attribute__((always_inline)) void look_up(const layer *v, int32_t lanes, const int8_t *x, int32_t windows,
                                                          int8_t *y)
{
    const edgeq_fields f = edgeq_make_fields();
    const int32_t entries = v->inputs + 1; /* of a channel's table */
    const int32_t record = 1 + (lanes * entries + 3) / 4;

    for (; windows > 0; --windows, x += v->step) {
        const uint32_t repeated = lanes == 4 ? 0x01010101u : lanes == 2 ? 0x00010001u : 1u;
        const uint32_t signs = window_signs(v->level, v->threshold, x, v->inputs) * repeated;
        int8_t *const last = y + v->channels - lanes;
        const int32_t *k = v->packed;

        for (;;) {
            const int8_t *results = (const int8_t *)(k + 1);
            uint32_t counts = bits_of_bytes(f, signs ^ (uint32_t)*k);

            k += record;
            if (lanes == 1) {
                y[0] = results[edgeq_add_four_bytes(0, counts)];
            } else if (lanes == 2) {
                counts += counts >> 8;
                y[0] = results[counts & 0x1fu];
                y[1] = results[entries + (int32_t)((counts >> 16) & 0x1fu)];
            } else {
                y[0] = results[counts & 0xfu];
                results += entries;
                y[1] = results[(counts >> 8) & 0xfu];
                results += entries;
                y[2] = results[(counts >> 16) & 0xfu];
                results += entries;
                y[3] = results[counts >> 24];
            }
            if (y == last) {
                break;
            }
            /* The last record is of the last channels: it may compute some again. */
            y += lanes;
            y = y < last ? y : last;
        }
        y += lanes;
    }
}

static EDGEQ_NOINLINE void by_fours(const layer *v, const int8_t *x, int32_t windows, int8_t *y)
{
    look_up(v, 4, x, windows, y);
}

static EDGEQ_NOINLINE void by_twos(const layer *v, const int8_t *x, int32_t windows, int8_t *y)
{
    look_up(v, 2, x, windows, y);
}

static EDGEQ_NOINLINE void one_by_one(const layer *v, const int8_t *x, int32_t windows, int8_t *y)
{
    look_up(v, 1, x, windows, y);
}

static inline void convolve(const layer *v, const int8_t *x, int32_t windows, int8_t *y)
{
    if (v->inputs <= 8 && v->channels >= 4) {
        by_fours(v, x, windows, y);
    } else if (v->inputs <= 16 && v->channels >= 2) {
        by_twos(v, x, windows, y);
    } else {
        one_by_one(v, x, windows, y);
    }
}

arm_cmsis_nn_status edgeq_binary_fully_connected_table_s8(int32_t threshold,
                                                          const cmsis_nn_dims *input_dims,
                                                          const int8_t *input_data,
                                                          const cmsis_nn_dims *filter_dims,
                                                          const int32_t *packed,
                                                          const cmsis_nn_dims *output_dims,
                                                          int8_t *output_data)
{
    const int32_t depth = filter_dims->n;
    const layer v = {edgeq_make_threshold(threshold), threshold, depth, output_dims->c, depth, packed};

    if (depth < 1 || depth > 32 || output_dims->c < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    convolve(&v, input_data, input_dims->n, output_data);
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status edgeq_binary_convolve_table_s8(const cmsis_nn_conv_params *conv_params,
                                                   int32_t threshold,
                                                   const cmsis_nn_dims *input_dims,
                                                   const int8_t *input_data,
                                                   const cmsis_nn_dims *filter_dims,
                                                   const int32_t *packed,
                                                   const cmsis_nn_dims *output_dims,
                                                   int8_t *output_data)
{
    const int32_t row = filter_dims->w * input_dims->c;
    const int32_t pitch = conv_params->dilation.h * input_dims->w * input_dims->c;
    const layer v = {edgeq_make_threshold(threshold), threshold, filter_dims->h * row, output_dims->c,
                     conv_params->stride.w * input_dims->c, packed};
    int8_t window[32];
    int32_t n, oy, ox, i;

    if (!edgeq_is_convolution(conv_params, input_dims, filter_dims, output_dims) || v.inputs > 32 ||
        conv_params->padding.w != 0 || conv_params->padding.h != 0 ||
        (conv_params->dilation.w != 1 && filter_dims->w != 1)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (n = 0; n < input_dims->n; ++n, input_data += input_dims->h * input_dims->w * input_dims->c) {
        for (oy = 0; oy < output_dims->h; ++oy) {
            const int8_t *x = input_data + oy * conv_params->stride.h * input_dims->w * input_dims->c;

            if (filter_dims->h == 1) {
                convolve(&v, x, output_dims->w, output_data);
                output_data += output_dims->w * v.channels;
                continue;
            }
            for (ox = 0; ox < output_dims->w; ++ox, x += v.step, output_data += v.channels) {
                for (i = 0; i < filter_dims->h; ++i) {
                    edgeq_copy_few(window + i * row, x + i * pitch, row);
                }
                convolve(&v, window, 1, output_data);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
