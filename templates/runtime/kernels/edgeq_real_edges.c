/* SPDX-License-Identifier: Apache-2.0 */
/* From float to integers and back, at the edges of a model. */
#include "edgeq_kernels_float.h"

/* Beyond this magnitude every quotient saturates whatever the zero point; below, it fits an int32. */
#define FAR_AWAY 131072.0f

static int32_t quantized(float value, float scale, int32_t zero_point, int32_t low, int32_t high)
{
    const float ratio = value / scale;
    int32_t whole;
    float rest;

    if (!(ratio > -FAR_AWAY)) {
        return low; /* NaN too */
    }
    if (ratio >= FAR_AWAY) {
        return high;
    }
    whole = (int32_t)ratio;
    rest = ratio - (float)whole; /* exact */
    if (rest >= 0.5f) {
        ++whole;
    } else if (rest <= -0.5f) {
        --whole;
    }
    whole += zero_point;
    return whole < low ? low : whole > high ? high : whole;
}

arm_cmsis_nn_status edgeq_quantize_f32_s8(const float *input, int32_t size, float scale, int32_t zero_point,
                                          int8_t *output)
{
    int32_t i;

    for (i = 0; i < size; ++i) {
        output[i] = (int8_t)quantized(input[i], scale, zero_point, INT8_MIN, INT8_MAX);
    }
    return size < 0 ? ARM_CMSIS_NN_ARG_ERROR : ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status edgeq_quantize_f32_s16(const float *input, int32_t size, float scale, int32_t zero_point,
                                           int16_t *output)
{
    int32_t i;

    for (i = 0; i < size; ++i) {
        output[i] = (int16_t)quantized(input[i], scale, zero_point, INT16_MIN, INT16_MAX);
    }
    return size < 0 ? ARM_CMSIS_NN_ARG_ERROR : ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status edgeq_dequantize_s8_f32(const int8_t *input, int32_t size, float scale, int32_t zero_point,
                                            float *output)
{
    int32_t i;

    for (i = 0; i < size; ++i) {
        output[i] = scale * (float)(input[i] - zero_point);
    }
    return size < 0 ? ARM_CMSIS_NN_ARG_ERROR : ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status edgeq_dequantize_s16_f32(const int16_t *input, int32_t size, float scale, int32_t zero_point,
                                             float *output)
{
    int32_t i;

    for (i = 0; i < size; ++i) {
        output[i] = scale * (float)(input[i] - zero_point);
    }
    return size < 0 ? ARM_CMSIS_NN_ARG_ERROR : ARM_CMSIS_NN_SUCCESS;
}
