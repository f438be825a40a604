/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of signs by signs for cores with the vector extension: inputs become -1 and 1 as their windows are copied,
 * and weights are ternary ones. Products of vectors take no longer than bits that differ would take to be counted.
 */
#define EDGEQ_WEIGHT_BITS 2
#define EDGEQ_OF_SIGNS true
#include "edgeq_kernels_mve.h"
#include "edgeq_mve_windows.h"

arm_cmsis_nn_status edgeq_binary_convolve_mve_s8(const cmsis_nn_context *ctx,
                                                 const cmsis_nn_conv_params *conv_params,
                                                 int32_t threshold,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 bool backwards,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data)
{
    return edgeq_convolve_windows(ctx, conv_params, input_dims, input_data, filter_dims, packed + 1, packed[0] != 0,
                                  threshold, true, backwards, output_dims, output_data);
}
