/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected layer with LiteRT 2.x's rounding. */
#include "edgeq_fully_connected.h"
#include "edgeq_kernels.h"

arm_cmsis_nn_status edgeq_fully_connected_single_rounding_s8(const cmsis_nn_fc_params *fc_params,
                                                             const cmsis_nn_quant_params *quant_params,
                                                             const cmsis_nn_dims *input_dims,
                                                             const int8_t *input_data,
                                                             const cmsis_nn_dims *filter_dims,
                                                             const int8_t *filter_data,
                                                             const cmsis_nn_dims *bias_dims,
                                                             const int32_t *bias_data,
                                                             const cmsis_nn_dims *output_dims,
                                                             int8_t *output_data)
{
    (void)bias_dims;
    return edgeq_fully_connected(fc_params, quant_params->multiplier, quant_params->shift,
                                 quant_params->is_per_channel != 0 ? 1 : 0, input_dims->n, filter_dims->n,
                                 output_dims->c, input_data, filter_data, bias_data, output_data,
                                 edgeq_requantize_single);
}
