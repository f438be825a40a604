/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution with ternary and binary weights, straight from the packed array. */
#include "edgeq_binary.h"
#include "edgeq_kernels_narrow.h"
#include "edgeq_layers_packed.h"
#include "edgeq_ternary.h"

arm_cmsis_nn_status edgeq_convolve_ternary_s8(const cmsis_nn_conv_params *conv_params,
                                              const cmsis_nn_per_channel_quant_params *quant_params,
                                              const cmsis_nn_dims *input_dims,
                                              const int8_t *input_data,
                                              const cmsis_nn_dims *filter_dims,
                                              const int8_t *filter_data,
                                              const int32_t *bias_data,
                                              const cmsis_nn_dims *output_dims,
                                              int8_t *output_data)
{
    return edgeq_convolve_packed(conv_params, quant_params, input_dims, input_data, filter_dims, filter_data,
                                 bias_data, output_dims, output_data, edgeq_dot_ternary);
}

arm_cmsis_nn_status edgeq_convolve_binary_s8(const cmsis_nn_conv_params *conv_params,
                                             const cmsis_nn_per_channel_quant_params *quant_params,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const int8_t *filter_data,
                                             const int32_t *bias_data,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output_data)
{
    return edgeq_convolve_packed(conv_params, quant_params, input_dims, input_data, filter_dims, filter_data,
                                 bias_data, output_dims, output_data, edgeq_dot_binary);
}
