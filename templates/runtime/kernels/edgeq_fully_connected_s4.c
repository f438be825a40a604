/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected layer with 4-bit weights, for either rounding. */
#include "edgeq_kernels_s4.h"
#include "edgeq_int4.h"
#include "edgeq_layers_packed.h"

arm_cmsis_nn_status edgeq_fully_connected_s4(const cmsis_nn_fc_params *fc_params,
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
                                        bias_data, output_dims, output_data, edgeq_dot_int4, edgeq_requantize);
}

arm_cmsis_nn_status edgeq_fully_connected_single_rounding_s4(const cmsis_nn_fc_params *fc_params,
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
                                        bias_data, output_dims, output_data, edgeq_dot_int4, edgeq_requantize_single);
}
