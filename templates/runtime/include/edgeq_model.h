/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime knows of a generated model: its tensors, its layers in execution order, and the hash of the
 * program that it was generated from. One constant of type edgeq_model is emitted per model; the validation
 * server walks it, an application need not look at it.
 */
#ifndef EDGEQ_MODEL_H
#define EDGEQ_MODEL_H

#include <stdint.h>

/* Status of an edgeq call. Zero is success; anything else leaves the outputs undefined. */
enum {
    EDGEQ_OK = 0,
    EDGEQ_ERROR_ARGUMENT = -1, /* an index or a size out of range */
    EDGEQ_ERROR_KERNEL = -2,   /* a kernel refused its arguments */
    EDGEQ_ERROR_SCRATCH = -3   /* the linked kernel library wants more scratch memory than was planned */
};

#define EDGEQ_HASH_BYTES 32u

/* A tensor at a fixed address: `bytes` bytes, little-endian elements, row-major. */
typedef struct {
    void *data;
    uint32_t bytes;
} edgeq_tensor;

/* One layer. Its outputs hold their values from the end of run() until a later layer runs. */
typedef struct {
    int (*run)(void);
    const edgeq_tensor *outputs;
    uint16_t output_count;
} edgeq_layer;

typedef struct {
    const char *name;
    uint8_t program_hash[EDGEQ_HASH_BYTES];
    int (*init)(void);
    const edgeq_tensor *inputs;
    const edgeq_tensor *outputs;
    const edgeq_layer *layers;
    uint16_t input_count;
    uint16_t output_count;
    uint16_t layer_count;
} edgeq_model;

#endif
