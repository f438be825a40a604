/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution of few output channels: each window, copied, is the input of a dense layer. */
#ifndef EDGEQ_CONVOLVE_FEW_H
#define EDGEQ_CONVOLVE_FEW_H

#include "edgeq_cursor.h"

/* A dense layer whose table holds weights and requantization. */
typedef arm_cmsis_nn_status (*edgeq_dense)(const cmsis_nn_fc_params *fc_params, const cmsis_nn_dims *input_dims,
                                           const int8_t *input_data, const cmsis_nn_dims *filter_dims,
                                           const int32_t *packed, const cmsis_nn_dims *output_dims, int8_t *output_data);

/* Inlined, so that `dense` is no pointer. */
static inline __attribute__((always_inline)) arm_cmsis_nn_status edgeq_convolve_few(
    const cmsis_nn_context *ctx, const cmsis_nn_conv_params *conv_params, const cmsis_nn_dims *input_dims,
    const int8_t *input_data, const cmsis_nn_dims *filter_dims, const int32_t *packed, const cmsis_nn_dims *output_dims,
    int8_t *output_data, edgeq_dense dense)
{
    const int32_t size = filter_dims->h * filter_dims->w * input_dims->c;
    const cmsis_nn_fc_params params = {conv_params->input_offset, 0, conv_params->output_offset, conv_params->activation};
    const cmsis_nn_dims one = {1, 1, 1, 1};
    const cmsis_nn_dims window = {size, 1, 1, output_dims->c};
    /* A window is a row of pixels, which can be read where it is. */
    const bool is_row = filter_dims->h == 1 && (filter_dims->w == 1 || conv_params->dilation.w == 1);
    int32_t left = input_dims->n * output_dims->h * output_dims->w;
    edgeq_cursor c;

    if (!edgeq_is_convolution(conv_params, input_dims, filter_dims, output_dims) || ctx->buf == NULL ||
        ctx->size < size) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    c = edgeq_first_window(conv_params, input_dims, filter_dims, output_dims, input_data, false);
    for (; left > 0; --left, output_data += output_dims->c) {
        const edgeq_place w = edgeq_next_window(&c);
        const int8_t *x = w.image + w.at;
        arm_cmsis_nn_status status;

        if (!is_row || !w.is_inside) {
            edgeq_copy_window(&c, w, ctx->buf);
            x = ctx->buf;
        }
        status = dense(&params, &one, x, &window, packed, output_dims, output_data);
        if (status != ARM_CMSIS_NN_SUCCESS) {
            return status;
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif
