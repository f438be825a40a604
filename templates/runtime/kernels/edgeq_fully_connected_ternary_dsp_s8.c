/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected layer with ternary weights for cores with the DSP extension. */
#define EDGEQ_WEIGHT_BITS 2
#include "edgeq_fully_connected_narrow.h"
#include "edgeq_kernels_narrow.h"

arm_cmsis_nn_status edgeq_fully_connected_ternary_dsp_s8(const cmsis_nn_fc_params *fc_params,
                                                         const cmsis_nn_dims *input_dims,
                                                         const int8_t *input_data,
                                                         const cmsis_nn_dims *filter_dims,
                                                         const int32_t *packed,
                                                         const cmsis_nn_dims *output_dims,
                                                         int8_t *output_data)
{
    return edgeq_fully_connected_narrow(fc_params, input_dims, input_data, filter_dims, packed, output_dims, output_data);
}
