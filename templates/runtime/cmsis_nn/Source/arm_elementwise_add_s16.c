/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise sum of two tensors of the same shape, of int16. */
#include "arm_nnfunctions.h"
#include "edgeq_fixedpoint.h"

arm_cmsis_nn_status arm_elementwise_add_s16(const int16_t *input_1_vect,
                                            const int16_t *input_2_vect,
                                            const int32_t input_1_offset,
                                            const int32_t input_1_mult,
                                            const int32_t input_1_shift,
                                            const int32_t input_2_offset,
                                            const int32_t input_2_mult,
                                            const int32_t input_2_shift,
                                            const int32_t left_shift,
                                            int16_t *output,
                                            const int32_t out_offset,
                                            const int32_t out_mult,
                                            const int32_t out_shift,
                                            const int32_t out_activation_min,
                                            const int32_t out_activation_max,
                                            const int32_t block_size)
{
    int32_t i;

    for (i = 0; i < block_size; ++i) {
        const int32_t a = edgeq_shift_left(input_1_vect[i] + input_1_offset, left_shift);
        const int32_t b = edgeq_shift_left(input_2_vect[i] + input_2_offset, left_shift);
        const int32_t sum = edgeq_requantize(a, input_1_mult, input_1_shift) +
                            edgeq_requantize(b, input_2_mult, input_2_shift);
        const int32_t y = edgeq_requantize(sum, out_mult, out_shift);
        output[i] = (int16_t)edgeq_saturate(y, out_offset, out_activation_min, out_activation_max);
    }
    return ARM_CMSIS_NN_SUCCESS;
}
