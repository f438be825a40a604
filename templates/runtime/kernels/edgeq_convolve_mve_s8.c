/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution for cores with the vector extension. */
#include "edgeq_kernels_mve.h"
#include "edgeq_mve_windows.h"

arm_cmsis_nn_status edgeq_convolve_mve_s8(const cmsis_nn_context *ctx,
                                          const cmsis_nn_conv_params *conv_params,
                                          const cmsis_nn_dims *input_dims,
                                          const int8_t *input_data,
                                          const cmsis_nn_dims *filter_dims,
                                          const int32_t *packed,
                                          bool copies_all,
                                          bool backwards,
                                          const cmsis_nn_dims *output_dims,
                                          int8_t *output_data)
{
    return edgeq_convolve_windows(ctx, conv_params, input_dims, input_data, filter_dims, packed, false, 0, copies_all,
                                  backwards, output_dims, output_data);
}
