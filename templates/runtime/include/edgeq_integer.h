/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of any integer type, for kernels in which the type is an argument. */
#ifndef EDGEQ_INTEGER_H
#define EDGEQ_INTEGER_H

#include <stdint.h>

/* A bool is a byte, 0 or 1; any other value counts as 1. */
typedef enum {
    EDGEQ_TYPE_BOOL,
    EDGEQ_TYPE_INT8,
    EDGEQ_TYPE_INT16,
    EDGEQ_TYPE_INT32,
    EDGEQ_TYPE_INT64,
} edgeq_type;

/* Operators of two integers, by TFLite's names. */
typedef enum {
    EDGEQ_EQUAL,
    EDGEQ_NOT_EQUAL,
    EDGEQ_GREATER,
    EDGEQ_GREATER_EQUAL,
    EDGEQ_LESS,
    EDGEQ_LESS_EQUAL,
    EDGEQ_LOGICAL_AND,
    EDGEQ_LOGICAL_OR,
    EDGEQ_FLOOR_DIV,
    EDGEQ_FLOOR_MOD,
} edgeq_pairwise;

/* Element `index` of a tensor; a bool is 0 or 1. */
static inline int64_t edgeq_load(const void *data, edgeq_type type, int32_t index)
{
    switch (type) {
    case EDGEQ_TYPE_INT8:
        return ((const int8_t *)data)[index];
    case EDGEQ_TYPE_INT16:
        return ((const int16_t *)data)[index];
    case EDGEQ_TYPE_INT32:
        return ((const int32_t *)data)[index];
    case EDGEQ_TYPE_INT64:
        return ((const int64_t *)data)[index];
    default:
        return ((const uint8_t *)data)[index] != 0;
    }
}

/* Sets element `index` to the value's lowest bits; a bool to whether the value is not 0. */
static inline void edgeq_store(void *data, edgeq_type type, int32_t index, int64_t value)
{
    switch (type) {
    case EDGEQ_TYPE_INT8:
        ((int8_t *)data)[index] = (int8_t)value;
        break;
    case EDGEQ_TYPE_INT16:
        ((int16_t *)data)[index] = (int16_t)value;
        break;
    case EDGEQ_TYPE_INT32:
        ((int32_t *)data)[index] = (int32_t)value;
        break;
    case EDGEQ_TYPE_INT64:
        ((int64_t *)data)[index] = value;
        break;
    default:
        ((uint8_t *)data)[index] = value != 0;
        break;
    }
}

/* The index that is nearest to this one among so many. */
static inline int32_t edgeq_nearest(int64_t index, int32_t count)
{
    if (index < 0) {
        return 0;
    }
    return index < count ? (int32_t)index : count - 1;
}

#endif
