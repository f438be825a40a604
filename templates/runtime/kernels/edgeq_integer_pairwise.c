/* SPDX-License-Identifier: Apache-2.0 */
/* Operators of two plain integers with broadcasting. */
#include "edgeq_compare.h"
#include "edgeq_index.h"
#include "edgeq_integer.h"
#include "edgeq_kernels.h"

/* Quotient rounded down, and what is left: of the divisor's sign. Both are 0 for a divisor of 0. */
static int64_t floor_div(int64_t a, int64_t b, bool rest)
{
    if (b == 0) {
        return 0;
    }
    if (b == -1) { /* INT64_MIN has no positive counterpart */
        return rest ? 0 : (int64_t)(0u - (uint64_t)a);
    }
    const int64_t modulus = a % b;
    const bool down = modulus != 0 && (modulus < 0) != (b < 0);
    if (rest) {
        return down ? modulus + b : modulus;
    }
    return down ? a / b - 1 : a / b;
}

static int64_t compute(edgeq_pairwise op, int64_t a, int64_t b)
{
    switch (op) {
    case EDGEQ_LOGICAL_AND:
        return a != 0 && b != 0;
    case EDGEQ_LOGICAL_OR:
        return a != 0 || b != 0;
    case EDGEQ_FLOOR_DIV:
        return floor_div(a, b, false);
    case EDGEQ_FLOOR_MOD:
        return floor_div(a, b, true);
    default:
        return edgeq_holds(op, a, b);
    }
}

arm_cmsis_nn_status edgeq_integer_pairwise(edgeq_pairwise op,
                                           edgeq_type type,
                                           const void *input_1_data,
                                           const void *input_2_data,
                                           int32_t rank,
                                           const int32_t *dims,
                                           const int32_t *strides_1,
                                           const int32_t *strides_2,
                                           edgeq_type output_type,
                                           void *output)
{
    int32_t index[EDGEQ_MAX_RANK] = {0};
    int32_t at = 0;

    if (!edgeq_is_shape(rank, dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    do {
        const int64_t a = edgeq_load(input_1_data, type, edgeq_offset(rank, index, strides_1));
        const int64_t b = edgeq_load(input_2_data, type, edgeq_offset(rank, index, strides_2));

        edgeq_store(output, output_type, at++, compute(op, a, b));
    } while (edgeq_next_index(rank, dims, index));
    return ARM_CMSIS_NN_SUCCESS;
}
