/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution of few output channels with ternary weights. */
#include "edgeq_convolve_few.h"
#include "edgeq_kernels_narrow.h"

arm_cmsis_nn_status edgeq_convolve_few_ternary_dsp_s8(const cmsis_nn_context *ctx,
                                                      const cmsis_nn_conv_params *conv_params,
                                                      const cmsis_nn_dims *input_dims,
                                                      const int8_t *input_data,
                                                      const cmsis_nn_dims *filter_dims,
                                                      const int32_t *packed,
                                                      const cmsis_nn_dims *output_dims,
                                                      int8_t *output_data)
{
    return edgeq_convolve_few(ctx, conv_params, input_dims, input_data, filter_dims, packed, output_dims, output_data,
                              edgeq_fully_connected_ternary_dsp_s8);
}
