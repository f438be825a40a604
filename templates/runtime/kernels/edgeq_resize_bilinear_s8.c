/* SPDX-License-Identifier: Apache-2.0 */
/* Images of int8 scaled with linear interpolation. */
#define EDGEQ_ELEMENT int8_t
#define EDGEQ_SUM int32_t
#include "edgeq_bilinear.h"
#include "edgeq_kernels.h"

arm_cmsis_nn_status edgeq_resize_bilinear_s8(const cmsis_nn_dims *input_dims,
                                             const int8_t *input,
                                             int32_t scale_h,
                                             int32_t scale_w,
                                             int32_t start_h,
                                             int32_t start_w,
                                             const cmsis_nn_dims *output_dims,
                                             int8_t *output)
{
    return edgeq_resize_bilinear(input_dims, input, scale_h, scale_w, start_h, start_w, output_dims, output);
}
