/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons of quantized numbers with broadcasting. */
#include "edgeq_compare.h"
#include "edgeq_fixedpoint.h"
#include "edgeq_index.h"
#include "edgeq_integer.h"
#include "edgeq_kernels.h"

arm_cmsis_nn_status edgeq_compare(edgeq_pairwise op,
                                  edgeq_type type,
                                  const void *input_1_data,
                                  const void *input_2_data,
                                  int32_t rank,
                                  const int32_t *dims,
                                  const int32_t *strides_1,
                                  const int32_t *strides_2,
                                  int32_t input_1_offset,
                                  int32_t input_1_mult,
                                  int32_t input_1_shift,
                                  int32_t input_2_offset,
                                  int32_t input_2_mult,
                                  int32_t input_2_shift,
                                  int32_t left_shift,
                                  uint8_t *output)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};

    if (!edgeq_is_shape(rank, dims) || !edgeq_is_comparison(op)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t factor = (int32_t)1 << left_shift;
    do {
        const int32_t x1 = (int32_t)edgeq_load(input_1_data, type, edgeq_offset(rank, index, strides_1));
        const int32_t x2 = (int32_t)edgeq_load(input_2_data, type, edgeq_offset(rank, index, strides_2));
        const int32_t a = edgeq_requantize((x1 + input_1_offset) * factor, input_1_mult, input_1_shift);
        const int32_t b = edgeq_requantize((x2 + input_2_offset) * factor, input_2_mult, input_2_shift);

        *output++ = edgeq_holds(op, a, b);
    } while (edgeq_next_index(rank, dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}
