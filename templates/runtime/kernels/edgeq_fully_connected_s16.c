/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected layer of int16 with int8 weights, summed in 64 bits. */
#include "edgeq_kernels_s16.h"
#include "edgeq_sum_s16.h"

arm_cmsis_nn_status edgeq_fully_connected_s16(const cmsis_nn_fc_params *fc_params,
                                              const cmsis_nn_quant_params *quant_params,
                                              const cmsis_nn_dims *input_dims,
                                              const int16_t *input_data,
                                              const cmsis_nn_dims *filter_dims,
                                              const int8_t *filter_data,
                                              const int32_t *narrow_bias,
                                              const int64_t *wide_bias,
                                              const cmsis_nn_dims *output_dims,
                                              int16_t *output_data)
{
    const edgeq_finish_s16 finish = {narrow_bias, wide_bias, quant_params->multiplier, quant_params->shift,
                                     fc_params->activation};
    const int32_t depth = filter_dims->n;
    const int32_t units = output_dims->c;
    const int32_t factor_step = quant_params->is_per_channel != 0 ? 1 : 0;
    int32_t batch, o;

    if (input_dims->n < 1 || depth < 1 || units < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch, input_data += depth) {
        for (o = 0; o < units; ++o) {
            const int64_t sum = edgeq_dot_s16(0, input_data, filter_data + o * depth, depth);
            *output_data++ = edgeq_finished_s16(&finish, sum, o, o * factor_step);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
