/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consistent Overhead Byte Stuffing: rewrites a packet so that it contains no zero byte; a zero then ends a packet,
 * and a receiver finds its way back after any disturbance at the next zero.
 */
#ifndef EDGEQ_COBS_H
#define EDGEQ_COBS_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

/* A packet being decoded into `buffer`, byte by byte. */
typedef struct {
    uint8_t *buffer;
    uint32_t capacity;
    uint32_t length;   /* decoded bytes so far */
    uint8_t remaining; /* bytes left in the current block */
    bool zero_follows; /* the current block stands for its bytes and a zero, unless it is the last */
    bool started;      /* at least one byte since the last delimiter */
    bool overflow;     /* the packet is longer than the buffer: its rest is skipped */
} edgeq_cobs_decoder;

typedef enum {
    EDGEQ_COBS_MORE,     /* the packet goes on */
    EDGEQ_COBS_PACKET,   /* `length` bytes stand in `buffer` */
    EDGEQ_COBS_CUT,      /* the delimiter came within a block */
    EDGEQ_COBS_TOO_LONG, /* the packet did not fit */
} edgeq_cobs_event;

/* Prepares for a packet of up to `capacity` bytes. */
void edgeq_cobs_start(edgeq_cobs_decoder *decoder, uint8_t *buffer, uint32_t capacity);

/* Takes the next byte. After any event but MORE the decoder has started over: use `length` before the next byte. */
edgeq_cobs_event edgeq_cobs_take(edgeq_cobs_decoder *decoder, uint8_t byte);

/* Sends `length` bytes in encoded form over the UART, with the delimiter. They are read where they lie. */
void edgeq_cobs_send(edgeq_bytes bytes, uint32_t length);

#endif
