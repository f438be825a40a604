/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected layer of signs by signs for cores with the vector extension: inputs become -1 and 1 before. */
#define EDGEQ_WEIGHT_BITS 1
#include "edgeq_kernels_mve.h"
#include "edgeq_mve_dense.h"

arm_cmsis_nn_status edgeq_binary_fully_connected_mve_s8(const cmsis_nn_context *ctx,
                                                        const cmsis_nn_fc_params *fc_params,
                                                        int32_t threshold,
                                                        const cmsis_nn_dims *input_dims,
                                                        const int8_t *input_data,
                                                        const cmsis_nn_dims *filter_dims,
                                                        const int32_t *packed,
                                                        const cmsis_nn_dims *output_dims,
                                                        int8_t *output_data)
{
    const int32_t depth = filter_dims->n;
    cmsis_nn_dims row = *input_dims;
    int32_t batch;

    if (input_dims->n < 1 || depth < 1 || ctx->buf == NULL || ctx->size < depth) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    row.n = 1;
    for (batch = 0; batch < input_dims->n; ++batch) {
        arm_cmsis_nn_status status;

        edgeq_mve_signs(ctx->buf, input_data, threshold, depth);
        status = edgeq_connect_all(fc_params, &row, ctx->buf, filter_dims, packed, output_dims, output_data);
        if (status != ARM_CMSIS_NN_SUCCESS) {
            return status;
        }
        input_data += depth;
        output_data += output_dims->c;
    }
    return ARM_CMSIS_NN_SUCCESS;
}
