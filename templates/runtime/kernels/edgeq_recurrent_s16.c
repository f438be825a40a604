/* SPDX-License-Identifier: Apache-2.0 */
/* GRUs and simple recurrent layers of int16 activations. */
#define EDGEQ_ELEMENT int16_t
#define EDGEQ_SUM int64_t
#include "edgeq_recurrent.h"

arm_cmsis_nn_status edgeq_recurrent_s16(const int16_t *input, int32_t carries, const edgeq_recurrent_params *p,
                                        int16_t *scratch, int16_t *output, int16_t *hidden)
{
    return edgeq_recurrent(input, carries, p, scratch, output, hidden);
}
