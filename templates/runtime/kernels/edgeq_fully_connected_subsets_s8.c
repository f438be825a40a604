/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected layer with ternary and binary weights for cores without the DSP extension: two rows of inputs at a time,
 * or one. The sums of all subsets of every four inputs are written once for all units; inputs that are no whole fours are
 * copied first.
 */
#include "edgeq_copy.h"
#include "edgeq_kernels_scalar.h"
#include "edgeq_subsets.h"

arm_cmsis_nn_status edgeq_fully_connected_subsets_s8(const cmsis_nn_context *ctx,
                                                     const cmsis_nn_fc_params *fc_params,
                                                     const cmsis_nn_dims *input_dims,
                                                     const int8_t *input_data,
                                                     const cmsis_nn_dims *filter_dims,
                                                     const int32_t *packed,
                                                     bool is_ternary,
                                                     bool is_narrow,
                                                     int32_t kind,
                                                     const cmsis_nn_dims *output_dims,
                                                     int8_t *output_data)
{
    const int32_t depth = filter_dims->n;
    const int32_t units = output_dims->c;
    edgeq_subset_layer l =
        edgeq_subset_layer_of(packed, kind, is_narrow, fc_params->activation, fc_params->output_offset, units, depth);
    const int32_t padded = EDGEQ_SUBSET_INPUTS * l.groups;
    int32_t left = input_dims->n;
    int8_t *copies;

    if (left < 1 || depth < 1 || units < 1 || ctx->buf == NULL || !edgeq_can_finish(&l.finishing) ||
        ctx->size < edgeq_subset_bytes(units, l.groups) + (padded != depth ? 2 * padded : 0)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    copies = edgeq_enter_subsets(&l, is_ternary, ctx->buf);
    while (left > 0) {
        const int32_t count = left > 1 ? 2 : 1;
        edgeq_subset_inputs from = {input_data, input_data + (count - 1) * depth, l.groups, l.groups, 0};

        if (padded != depth) {
            from = edgeq_copied_subsets(&l, copies, count);
            edgeq_copy_few(copies, input_data, depth);
            if (count > 1) {
                edgeq_copy_few(copies + padded, input_data + depth, depth);
            }
        }
        edgeq_two_by_subsets(&l, from, output_data, output_data + (count - 1) * units);
        input_data += count * depth;
        output_data += count * units;
        left -= count;
    }
    return ARM_CMSIS_NN_SUCCESS;
}
