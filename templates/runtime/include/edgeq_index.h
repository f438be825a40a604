/* SPDX-License-Identifier: Apache-2.0 */
/* Walking over tensors of any rank. */
#ifndef EDGEQ_INDEX_H
#define EDGEQ_INDEX_H

#include <stdbool.h>
#include <stdint.h>

enum {
    EDGEQ_MAX_RANK = 6,
    EDGEQ_MAX_COPY_RANK = 8, /* of edgeq_copy_s8 */
};

/* Whether rank lies in [0, max_rank] and every dimension is at least 1. */
static inline bool edgeq_is_shape_of(int32_t max_rank, int32_t rank, const int32_t *dims)
{
    int32_t axis;

    if (rank < 0 || rank > max_rank) {
        return false;
    }
    for (axis = 0; axis < rank; ++axis) {
        if (dims[axis] < 1) {
            return false;
        }
    }
    return true;
}

/* The same up to EDGEQ_MAX_RANK. */
static inline bool edgeq_is_shape(int32_t rank, const int32_t *dims)
{
    return edgeq_is_shape_of(EDGEQ_MAX_RANK, rank, dims);
}

/* Moves index to the next element, last axis fastest; false, and index back at zero, after the last one. */
static inline bool edgeq_next_index(int32_t rank, const int32_t *dims, int32_t *index)
{
    int32_t axis;

    for (axis = rank - 1; axis >= 0; --axis) {
        if (++index[axis] < dims[axis]) {
            return true;
        }
        index[axis] = 0;
    }
    return false;
}

/* Where the element at index lies, in elements. */
static inline int32_t edgeq_offset(int32_t rank, const int32_t *index, const int32_t *strides)
{
    int32_t offset = 0;
    int32_t axis;

    for (axis = 0; axis < rank; ++axis) {
        offset += index[axis] * strides[axis];
    }
    return offset;
}

/* Two operands that broadcast, run by run: the innermost axis is a plain loop, the others are counted. */
typedef struct {
    int32_t index[EDGEQ_MAX_RANK]; /* of the run, for edgeq_next_index */
    int32_t outer;                 /* axes that are counted */
    int32_t length;                /* elements of a run */
    int32_t step_1;                /* from one to the next, 0 where the operand is repeated */
    int32_t step_2;
} edgeq_runs;

/* The first of the runs; edgeq_is_shape holds. */
static inline edgeq_runs edgeq_runs_of(int32_t rank,
                                       const int32_t *dims,
                                       const int32_t *strides_1,
                                       const int32_t *strides_2)
{
    edgeq_runs runs = {{0}, 0, 1, 0, 0};

    if (rank > 0) {
        runs.outer = rank - 1;
        runs.length = dims[runs.outer];
        runs.step_1 = strides_1[runs.outer];
        runs.step_2 = strides_2[runs.outer];
    }
    return runs;
}

#endif
