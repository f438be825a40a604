/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks joined, at the largest of their scales. */
#include "edgeq_kernels_dynamic.h"

arm_cmsis_nn_status edgeq_dynamic_concatenation_s8(
    const edgeq_dynamic_part *parts, int32_t count, int32_t rows, int32_t *output, int32_t *output_scale)
{
    edgeq_scale common;
    int32_t part, row, i;
    int32_t row_size = 0;

    if (count < 1 || rows < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    common = edgeq_load_scale(parts[0].range);
    for (part = 0; part < count; ++part) {
        const edgeq_scale scale = edgeq_load_scale(parts[part].range);
        if (edgeq_scale_exceeds(scale, common)) {
            common = scale;
        }
        row_size += parts[part].row_size;
    }
    for (part = 0; part < count; ++part) {
        const edgeq_dynamic_part *const p = &parts[part];
        const edgeq_alignment alignment = edgeq_align_scale(edgeq_load_scale(p->range), common);
        const int32_t zero_point = edgeq_zero_point(p->range);
        const int8_t *x = p->input;

        for (row = 0; row < rows; ++row) {
            int32_t *const y = output + row * row_size;
            for (i = 0; i < p->row_size; ++i) {
                y[i] = edgeq_aligned(*x++ - zero_point, alignment);
            }
        }
        output += p->row_size;
    }
    common.exponent -= EDGEQ_ALIGNED_BITS;
    edgeq_store_scale(common, output_scale);
    return ARM_CMSIS_NN_SUCCESS;
}
