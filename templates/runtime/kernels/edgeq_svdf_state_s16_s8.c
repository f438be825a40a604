/* SPDX-License-Identifier: Apache-2.0 */
/* SVDF with a state of int16 whose sums over time may leave 32 bits: they have 64, and are saturated. */
#include "edgeq_kernels_recurrent.h"

#define EDGEQ_ELEMENT int16_t
#include "edgeq_svdf.h"

static int32_t saturated(int64_t sum)
{
    return sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : (int32_t)sum;
}

arm_cmsis_nn_status edgeq_svdf_state_s16_s8(const cmsis_nn_svdf_params *svdf_params,
                                            const cmsis_nn_per_tensor_quant_params *input_quant_params,
                                            const cmsis_nn_per_tensor_quant_params *output_quant_params,
                                            const cmsis_nn_dims *input_dims,
                                            const int8_t *input_data,
                                            const cmsis_nn_dims *state_dims,
                                            int16_t *state_data,
                                            const cmsis_nn_dims *weights_feature_dims,
                                            const int8_t *weights_feature_data,
                                            const cmsis_nn_dims *weights_time_dims,
                                            const int16_t *weights_time_data,
                                            const cmsis_nn_dims *bias_dims,
                                            const int32_t *bias_data,
                                            const cmsis_nn_dims *output_dims,
                                            int8_t *output_data)
{
    const int32_t batches = input_dims->n;
    const int32_t depth = input_dims->h;
    const int32_t filters = weights_feature_dims->n;
    const int32_t memory = weights_time_dims->h;
    int32_t batch, unit, filter, i;

    (void)state_dims;
    (void)bias_dims;
    (void)output_dims;
    if (!edgeq_svdf_fits(svdf_params, batches, depth, filters, memory)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    edgeq_svdf_move_on(state_data, batches * filters, memory);
    for (batch = 0; batch < batches; ++batch, input_data += depth) {
        const int8_t *features = weights_feature_data;
        const int16_t *weights = weights_time_data;

        for (unit = 0; unit < filters / svdf_params->rank; ++unit) {
            int64_t sum = bias_data != NULL ? bias_data[unit] : 0;

            for (filter = 0; filter < svdf_params->rank; ++filter) {
                state_data[memory - 1] =
                    (int16_t)edgeq_svdf_feature(svdf_params, input_quant_params, input_data, features, depth);
                for (i = 0; i < memory; ++i) {
                    sum += (int64_t)weights[i] * state_data[i];
                }
                features += depth;
                weights += memory;
                state_data += memory;
            }
            *output_data++ = edgeq_svdf_result(svdf_params, output_quant_params, saturated(sum));
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
