/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise quotient with broadcasting. */
#include "edgeq_index.h"
#include "edgeq_kernels_functions.h"
#include "edgeq_log.h"

/* a / b requantized; |a|, |b| <= 255, b not 0. */
static int32_t quotient(int32_t a, int32_t b, int32_t mult, int32_t shift)
{
    const int32_t dividend = b < 0 ? -a : a;
    const uint32_t divisor = (uint32_t)(b < 0 ? -b : b);
    const int32_t zeros = edgeq_leading_zeros(divisor);
    /* the divisor is (1 + x) * 2^(31 - zeros), x in [0, 1) */
    const int32_t x = edgeq_wrap_s32((divisor << zeros) - ((uint32_t)1 << 31));
    /* as far left as the dividend goes without touching its sign */
    const uint32_t twice = dividend < 0 ? (uint32_t)(-2 * dividend) - 1u : (uint32_t)(2 * dividend);
    const int32_t headroom = twice == 0u ? 31 : edgeq_leading_zeros(twice);
    const int32_t y = edgeq_mul_q31(edgeq_shift_left(dividend, headroom), edgeq_reciprocal_of_one_plus(x));
    const int32_t right = headroom + 31 - zeros - shift;

    return right > 31 ? 0 : edgeq_divide_by_pot(edgeq_mul_q31(y, mult), right);
}

arm_cmsis_nn_status edgeq_div_s8(const int8_t *input_1_data,
                                 const int8_t *input_2_data,
                                 int32_t rank,
                                 const int32_t *dims,
                                 const int32_t *strides_1,
                                 const int32_t *strides_2,
                                 int32_t input_1_offset,
                                 int32_t input_2_offset,
                                 int8_t *output,
                                 int32_t out_offset,
                                 int32_t out_mult,
                                 int32_t out_shift,
                                 int32_t out_activation_min,
                                 int32_t out_activation_max)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};

    if (!edgeq_is_shape(rank, dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const int32_t a = input_1_data[edgeq_offset(rank, index, strides_1)] + input_1_offset;
        const int32_t b = input_2_data[edgeq_offset(rank, index, strides_2)] + input_2_offset;
        int32_t y;

        if (b != 0) {
            y = quotient(a, b, out_mult, out_shift);
        } else {
            y = a == 0 ? 0 : a < 0 ? INT16_MIN : INT16_MAX;
        }
        *output++ = edgeq_saturate_s8(y, out_offset, out_activation_min, out_activation_max);
    } while (edgeq_next_index(rank, dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}
