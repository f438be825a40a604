/* SPDX-License-Identifier: Apache-2.0 */
/* Dense layer of signs by signs: 32 products are an exclusive or and a count of bits. */
#include "edgeq_bits.h"
#include "edgeq_kernels_binary.h"
#include "edgeq_window.h"

/* The units of one row, whose signs are at x, by two words each. */
static EDGEQ_NOINLINE void units_by_two_words(const uint32_t *x, int32_t words, const int32_t *k, int8_t *y,
                                              int32_t units)
{
    const edgeq_fields f = edgeq_make_fields();
    const int8_t *const end = y + units;

    for (; y != end; ++y) {
        const int32_t unlike = edgeq_differing(f, x, 1, false, k, words);
        k += words;
        *y = edgeq_finish_few_s8(unlike, k[0], (uint32_t)k[1]);
        k += 2;
    }
}

arm_cmsis_nn_status edgeq_binary_fully_connected_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_fc_params *fc_params,
                                                    int32_t threshold,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int32_t *packed,
                                                    bool by_two_words,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data)
{
    const int32_t depth = filter_dims->n;
    const int32_t words = (depth + 31) / 32;
    const int32_t units = output_dims->c;
    const int32_t low = fc_params->activation.min;
    const int32_t high = fc_params->activation.max;
    uint32_t *const x = ctx->buf;
    int32_t left, i;

    if (x == NULL || ctx->size < 4 * words || depth < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (left = input_dims->n; left > 0; --left, input_data += depth, output_data += units) {
        edgeq_pack_words(edgeq_make_threshold(threshold), threshold, input_data, depth, x, 1);
        if (by_two_words) {
            units_by_two_words(x, words, packed, output_data, units);
            for (i = 0; (low > -128 || high < 127) && i < units; ++i) {
                output_data[i] = (int8_t)edgeq_clamp(output_data[i], low, high);
            }
        } else {
            const edgeq_fields f = edgeq_make_fields();
            const int32_t *k = packed;
            for (i = 0; i < units; ++i, k += words + 3) {
                const int32_t sum = k[words] - 2 * edgeq_differing(f, x, 1, false, k, words);
                const int32_t value = edgeq_requantize(sum, k[words + 1], k[words + 2]);
                output_data[i] = edgeq_saturate_s8(value, fc_params->output_offset, low, high);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
