/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame's bytes, read one after the other where they lie: what stands in the frame buffer, then bytes of tensors,
 * then the checksum. So no tensor is copied to be sent.
 */
#ifndef EDGEQ_BYTES_H
#define EDGEQ_BYTES_H

#include <stdint.h>

#include "../include/edgeq_model.h"

typedef struct {
    const uint8_t *at;           /* the next byte */
    uint32_t left;               /* bytes at `at` */
    const edgeq_tensor *tensors; /* where it goes on, from `offset` of the first on */
    uint32_t offset;
    uint32_t of_tensors;         /* bytes of tensors that are to come */
    const uint8_t *tail;         /* what follows them */
    uint32_t of_tail;
} edgeq_bytes;

/* The next byte. The caller counts: there is no end. */
static inline uint8_t edgeq_bytes_next(edgeq_bytes *bytes)
{
    while (bytes->left == 0u && bytes->of_tensors != 0u) {
        uint32_t held = bytes->tensors->bytes - bytes->offset;

        bytes->at = (const uint8_t *)bytes->tensors->data + bytes->offset;
        bytes->left = held < bytes->of_tensors ? held : bytes->of_tensors;
        bytes->of_tensors -= bytes->left;
        bytes->offset = 0u;
        bytes->tensors++;
    }
    if (bytes->left == 0u) {
        bytes->at = bytes->tail;
        bytes->left = bytes->of_tail;
    }
    bytes->left--;
    return *bytes->at++;
}

#endif
