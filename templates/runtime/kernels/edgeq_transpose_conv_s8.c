/* SPDX-License-Identifier: Apache-2.0 */
/* Transposed convolution. */
#include "edgeq_fixedpoint.h"
#include "edgeq_kernels.h"
#include "edgeq_transpose_conv.h"

arm_cmsis_nn_status edgeq_transpose_conv_s8(const cmsis_nn_conv_params *p,
                                            const int32_t *multipliers,
                                            const int32_t *shifts,
                                            const cmsis_nn_dims *input_dims,
                                            const int8_t *input,
                                            const cmsis_nn_dims *filter_dims,
                                            const int8_t *filters,
                                            const int32_t *bias,
                                            const cmsis_nn_dims *output_dims,
                                            int8_t *output)
{
    const int32_t image_size = input_dims->h * input_dims->w * input_dims->c;
    const int32_t filter_size = filter_dims->h * filter_dims->w * filter_dims->c;
    int32_t n, y, x, o;

    if (!edgeq_is_transposed_convolution(p, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (n = 0; n < output_dims->n; ++n, input += image_size) {
        for (y = 0; y < output_dims->h; ++y) {
            for (x = 0; x < output_dims->w; ++x) {
                for (o = 0; o < output_dims->c; ++o) {
                    const int32_t sum =
                        edgeq_transposed_sum(p, input_dims, input, filter_dims, filters + o * filter_size, y, x);
                    const int32_t scaled = edgeq_requantize(sum + bias[o], multipliers[o], shifts[o]);
                    *output++ = edgeq_saturate_s8(scaled, p->output_offset, p->activation.min, p->activation.max);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
