/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution with 4-bit weights, straight from the packed array. */
#include "edgeq_kernels_s4.h"
#include "edgeq_int4.h"
#include "edgeq_layers_packed.h"

arm_cmsis_nn_status edgeq_depthwise_conv_s4(const cmsis_nn_dw_conv_params *dw_conv_params,
                                            const cmsis_nn_per_channel_quant_params *quant_params,
                                            const cmsis_nn_dims *input_dims,
                                            const int8_t *input_data,
                                            const cmsis_nn_dims *filter_dims,
                                            const int8_t *filter_data,
                                            const int32_t *bias_data,
                                            const cmsis_nn_dims *output_dims,
                                            int8_t *output_data)
{
    return edgeq_depthwise_conv_packed(dw_conv_params, quant_params, input_dims, input_data, filter_dims, filter_data,
                                       bias_data, output_dims, output_data, edgeq_int4_at);
}
