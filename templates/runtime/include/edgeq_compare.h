/* SPDX-License-Identifier: Apache-2.0 */
/* The six comparisons. */
#ifndef EDGEQ_COMPARE_H
#define EDGEQ_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "edgeq_integer.h"

static inline bool edgeq_is_comparison(edgeq_pairwise op)
{
    return op == EDGEQ_EQUAL || op == EDGEQ_NOT_EQUAL || op == EDGEQ_GREATER || op == EDGEQ_GREATER_EQUAL ||
           op == EDGEQ_LESS || op == EDGEQ_LESS_EQUAL;
}

static inline bool edgeq_holds(edgeq_pairwise op, int64_t a, int64_t b)
{
    switch (op) {
    case EDGEQ_EQUAL:
        return a == b;
    case EDGEQ_NOT_EQUAL:
        return a != b;
    case EDGEQ_GREATER:
        return a > b;
    case EDGEQ_GREATER_EQUAL:
        return a >= b;
    case EDGEQ_LESS:
        return a < b;
    default:
        return a <= b;
    }
}

#endif
