/* SPDX-License-Identifier: Apache-2.0 */
/* Images of int16 scaled with linear interpolation. */
#define EDGEQ_ELEMENT int16_t
#define EDGEQ_SUM int64_t
#include "edgeq_bilinear.h"
#include "edgeq_kernels_s16.h"

arm_cmsis_nn_status edgeq_resize_bilinear_s16(const cmsis_nn_dims *input_dims,
                                              const int16_t *input,
                                              int32_t scale_h,
                                              int32_t scale_w,
                                              int32_t start_h,
                                              int32_t start_w,
                                              const cmsis_nn_dims *output_dims,
                                              int16_t *output)
{
    return edgeq_resize_bilinear(input_dims, input, scale_h, scale_w, start_h, start_w, output_dims, output);
}
