/* SPDX-License-Identifier: Apache-2.0 */
/* Layers of int8 tensors that go on with the signs of their input, and whose weights are signs. */
#ifndef EDGEQ_KERNELS_BINARY_H
#define EDGEQ_KERNELS_BINARY_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A convolution without groups of b = 1 where the input is not below the threshold, -1 elsewhere, with weights of -1 and
 * 1. input_offset, 0 or 1, is added to b; what lies outside of the image adds nothing. A dense layer is one of images of
 * a single pixel.
 *
 * packed: one record per output channel (edgeq's kernels/binary_inputs.py). by_table: its bias is doubled, and its last
 * three words are for edgeq_finish_either_s8; else the first of them is a multiplier and the last a shift. ctx: three
 * windows in whole words and one image, of bits, a pixel's channels in whole bytes.
 */
arm_cmsis_nn_status edgeq_binary_convolve_s8(const cmsis_nn_context *ctx,
                                             const cmsis_nn_conv_params *conv_params,
                                             int32_t threshold,
                                             const cmsis_nn_dims *input_dims,
                                             const int8_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const int32_t *packed,
                                             bool by_table,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output_data);

#ifdef __cplusplus
}
#endif

#endif
