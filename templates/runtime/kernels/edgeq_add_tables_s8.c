/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sum of two tensors of the same shape. What an operand contributes depends on one byte, so it is looked up; ten
 * instructions are left of an element with the DSP extension.
 */
#include "edgeq_dsp.h"
#include "edgeq_kernels_dsp.h"

/* Tables are read from their middle on, by the signed byte. */
static inline int32_t sum_of(const int8_t *x1, const int8_t *x2, const int32_t *middle1, const int32_t *middle2)
{
    return middle1[*x1] + middle2[*x2];
}

arm_cmsis_nn_status edgeq_add_tables_s8(const int8_t *input1,
                                        const int8_t *input2,
                                        const int32_t *table1,
                                        const int32_t *table2,
                                        int8_t *output,
                                        const int32_t *quant,
                                        int32_t out_offset,
                                        int32_t activation_min,
                                        int32_t activation_max,
                                        int32_t size)
{
    const int32_t *const middle1 = table1 + 128;
    const int32_t *const middle2 = table2 + 128;
    const edgeq_channel_quant q = {quant[0], quant[1], quant[2]};
    const bool is_limited = activation_min > -128 || activation_max < 127;
    const int8_t *const end = input1 + size;
    const int8_t *const whole = end - (size & 3);

    if (!is_limited && out_offset == -128) {
        for (; input1 != whole; input1 += 4, input2 += 4, output += 4) {
            output[0] = (int8_t)edgeq_finish_above_s8(sum_of(input1, input2, middle1, middle2), q);
            output[1] = (int8_t)edgeq_finish_above_s8(sum_of(input1 + 1, input2 + 1, middle1, middle2), q);
            output[2] = (int8_t)edgeq_finish_above_s8(sum_of(input1 + 2, input2 + 2, middle1, middle2), q);
            output[3] = (int8_t)edgeq_finish_above_s8(sum_of(input1 + 3, input2 + 3, middle1, middle2), q);
        }
    } else if (!is_limited) {
        for (; input1 != whole; input1 += 4, input2 += 4, output += 4) {
            output[0] = (int8_t)edgeq_finish_s8(sum_of(input1, input2, middle1, middle2), q);
            output[1] = (int8_t)edgeq_finish_s8(sum_of(input1 + 1, input2 + 1, middle1, middle2), q);
            output[2] = (int8_t)edgeq_finish_s8(sum_of(input1 + 2, input2 + 2, middle1, middle2), q);
            output[3] = (int8_t)edgeq_finish_s8(sum_of(input1 + 3, input2 + 3, middle1, middle2), q);
        }
    }
    for (; input1 != end; ++input1, ++input2, ++output) {
        const int32_t value = edgeq_finish_s8(sum_of(input1, input2, middle1, middle2), q);
        *output = (int8_t)edgeq_clamp(value, activation_min, activation_max);
    }
    return ARM_CMSIS_NN_SUCCESS;
}
