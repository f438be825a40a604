/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edges of a model where it takes or gives float: the only functions that compute in floating point, in single
 * precision. On cores without an FPU the compiler's own routines do it.
 */
#ifndef EDGEQ_KERNELS_FLOAT_H
#define EDGEQ_KERNELS_FLOAT_H

#include "arm_nn_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * input / scale to the nearest integer, ties away from zero, plus zero_point, saturated to the output's type; infinities
 * saturate, NaN gives the smallest value. scale > 0. ARM_CMSIS_NN_ARG_ERROR: negative size.
 */
arm_cmsis_nn_status edgeq_quantize_f32_s8(const float *input, int32_t size, float scale, int32_t zero_point,
                                          int8_t *output);
arm_cmsis_nn_status edgeq_quantize_f32_s16(const float *input, int32_t size, float scale, int32_t zero_point,
                                           int16_t *output);

/* scale * (input - zero_point). ARM_CMSIS_NN_ARG_ERROR: negative size. */
arm_cmsis_nn_status edgeq_dequantize_s8_f32(const int8_t *input, int32_t size, float scale, int32_t zero_point,
                                            float *output);
arm_cmsis_nn_status edgeq_dequantize_s16_f32(const int16_t *input, int32_t size, float scale, int32_t zero_point,
                                             float *output);

#ifdef __cplusplus
}
#endif

#endif
