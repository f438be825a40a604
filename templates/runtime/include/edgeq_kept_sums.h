/* SPDX-License-Identifier: Apache-2.0 */
/* Working memory that begins with all sums of a layer. */
#ifndef EDGEQ_KEPT_SUMS_H
#define EDGEQ_KEPT_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "arm_nn_types.h"

/* The room for `size` sums, and what is left of ctx in *rest; NULL where ctx has too little. */
static inline int32_t *edgeq_kept_sums(const cmsis_nn_context *ctx, int32_t size, cmsis_nn_context *rest)
{
    int32_t *const sums = ctx->buf;

    if (sums == NULL || ctx->size < 4 * size) {
        return NULL;
    }
    rest->buf = sums + size;
    rest->size = ctx->size - 4 * size;
    return sums;
}

#endif
