/* SPDX-License-Identifier: Apache-2.0 */
/* A function of each element of a block of int8, by straight pieces between numbers in steps of 2^-16. */
#include <stddef.h>

#include "edgeq_kernels_dynamic.h"

enum { VALUES = 256, FRACTION_BITS = 16 };

/* A piece in the table: where it begins, its value there, by how much it rises a step, times 2^bits. */
typedef struct {
    int32_t start;
    int32_t value;
    int32_t slope;
    int32_t bits;
} piece;

static inline int32_t value_at(const piece *p, int32_t v)
{
    const int32_t rise = edgeq_shifted(((int64_t)v - p->start) * p->slope, p->bits);
    return edgeq_shifted((int64_t)p->value + rise, 0);
}

arm_cmsis_nn_status edgeq_dynamic_function_s8(const cmsis_nn_context *ctx,
                                              const int8_t *input,
                                              const int32_t *input_range,
                                              int32_t size,
                                              const int32_t *pieces,
                                              int32_t count,
                                              int32_t *output,
                                              int32_t *output_scale)
{
    const edgeq_scale step = {(int32_t)1 << EDGEQ_MANTISSA_BITS, -FRACTION_BITS - EDGEQ_MANTISSA_BITS};
    const edgeq_scale scale = edgeq_load_scale(input_range);
    const int32_t zero_point = edgeq_zero_point(input_range);
    const piece *at = (const piece *)(const void *)pieces;
    const piece *const last = at + count - 1;
    int32_t *const values = ctx->buf;
    int32_t i;

    if (values == NULL || ctx->size < (int32_t)sizeof(*values) * VALUES || size < 1 || count < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (i = 0; i < VALUES; ++i) {
        const int64_t product = (int64_t)(i + INT8_MIN - zero_point) * scale.mantissa;
        const int32_t v = edgeq_shifted(product, -FRACTION_BITS - scale.exponent);

        /* the numbers rise, as the pieces do */
        while (at < last && at[1].start <= v) {
            ++at;
        }
        values[i] = value_at(at, v);
    }
    for (i = 0; i < size; ++i) {
        output[i] = values[input[i] - INT8_MIN];
    }
    edgeq_store_scale(step, output_scale);
    return ARM_CMSIS_NN_SUCCESS;
}
