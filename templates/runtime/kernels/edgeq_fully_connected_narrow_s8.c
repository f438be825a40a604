/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected layer with ternary and binary weights, for either rounding. */
#include "edgeq_binary.h"
#include "edgeq_kernels_narrow.h"
#include "edgeq_layers_packed.h"
#include "edgeq_ternary.h"

arm_cmsis_nn_status edgeq_fully_connected_ternary_s8(const cmsis_nn_fc_params *fc_params,
                                                     const cmsis_nn_quant_params *quant_params,
                                                     const cmsis_nn_dims *input_dims,
                                                     const int8_t *input_data,
                                                     const cmsis_nn_dims *filter_dims,
                                                     const int8_t *filter_data,
                                                     const int32_t *bias_data,
                                                     const cmsis_nn_dims *output_dims,
                                                     int8_t *output_data)
{
    return edgeq_fully_connected_packed(fc_params, quant_params, input_dims, input_data, filter_dims, filter_data,
                                        bias_data, output_dims, output_data, edgeq_dot_ternary, edgeq_requantize);
}

arm_cmsis_nn_status edgeq_fully_connected_single_rounding_ternary_s8(const cmsis_nn_fc_params *fc_params,
                                                                     const cmsis_nn_quant_params *quant_params,
                                                                     const cmsis_nn_dims *input_dims,
                                                                     const int8_t *input_data,
                                                                     const cmsis_nn_dims *filter_dims,
                                                                     const int8_t *filter_data,
                                                                     const int32_t *bias_data,
                                                                     const cmsis_nn_dims *output_dims,
                                                                     int8_t *output_data)
{
    return edgeq_fully_connected_packed(fc_params, quant_params, input_dims, input_data, filter_dims, filter_data,
                                        bias_data, output_dims, output_data, edgeq_dot_ternary,
                                        edgeq_requantize_single);
}

arm_cmsis_nn_status edgeq_fully_connected_binary_s8(const cmsis_nn_fc_params *fc_params,
                                                    const cmsis_nn_quant_params *quant_params,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int8_t *filter_data,
                                                    const int32_t *bias_data,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data)
{
    return edgeq_fully_connected_packed(fc_params, quant_params, input_dims, input_data, filter_dims, filter_data,
                                        bias_data, output_dims, output_data, edgeq_dot_binary, edgeq_requantize);
}

arm_cmsis_nn_status edgeq_fully_connected_single_rounding_binary_s8(const cmsis_nn_fc_params *fc_params,
                                                                    const cmsis_nn_quant_params *quant_params,
                                                                    const cmsis_nn_dims *input_dims,
                                                                    const int8_t *input_data,
                                                                    const cmsis_nn_dims *filter_dims,
                                                                    const int8_t *filter_data,
                                                                    const int32_t *bias_data,
                                                                    const cmsis_nn_dims *output_dims,
                                                                    int8_t *output_data)
{
    return edgeq_fully_connected_packed(fc_params, quant_params, input_dims, input_data, filter_dims, filter_data,
                                        bias_data, output_dims, output_data, edgeq_dot_binary,
                                        edgeq_requantize_single);
}
