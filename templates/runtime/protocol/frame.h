/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of the validation protocol. Encoded with COBS and ended by a zero byte, all numbers little-endian:
 *
 *     version 1, sequence 2, command 1, status 1, payload, CRC-32 of all before 4
 *
 * with up to EDGEQ_MAX_PAYLOAD bytes of payload in a request and EDGEQ_MAX_REPLY in a reply. One buffer holds the
 * request and then the beginning of its reply; tensors are sent from where they lie.
 * The host sends a request and repeats it, with the same sequence number, until the reply arrives. A frame that is
 * damaged is counted and answered by a NAK.
 */
#ifndef EDGEQ_FRAME_H
#define EDGEQ_FRAME_H

#include <stdint.h>

#include "../board.h"
#include "../include/edgeq_model.h"

#define EDGEQ_PROTOCOL_VERSION 2u
#define EDGEQ_FRAME_HEADER 5u
#define EDGEQ_FRAME_CRC 4u
#define EDGEQ_MAX_REPLY 1024u /* more would be lost with one damaged byte */
#define EDGEQ_FRAME_MAX (EDGEQ_FRAME_HEADER + EDGEQ_MAX_PAYLOAD + EDGEQ_FRAME_CRC)

#define EDGEQ_COMMAND_REPLY 0x80u /* set in the command of a reply */
#define EDGEQ_COMMAND_NAK 0xFFu

typedef enum {
    EDGEQ_FRAME_GOOD = 0,
    EDGEQ_FRAME_CUT = 1,          /* the encoding ends early */
    EDGEQ_FRAME_TOO_LONG = 2,     /* longer than this device's buffer */
    EDGEQ_FRAME_TOO_SHORT = 3,    /* shorter than header and checksum */
    EDGEQ_FRAME_BAD_CRC = 4,      /* the checksum is wrong */
    EDGEQ_FRAME_BAD_VERSION = 5,  /* undamaged, of another protocol version */
    EDGEQ_FRAME_BAD_SEQUENCE = 6, /* neither a repetition nor the next request: the server's finding */
    EDGEQ_FRAME_CLOSED = 7        /* the link is closed: host only */
} edgeq_frame_result;

typedef struct {
    const uint8_t *payload; /* until the reply is written */
    uint32_t length;
    uint16_t sequence;
    uint8_t command;
} edgeq_frame;

/* The payload of a reply: `written` bytes at edgeq_frame_reply_payload(), then `length` bytes of tensors. */
typedef struct {
    uint32_t written;
    const edgeq_tensor *tensors; /* one after the other, from `offset` of the first on */
    uint32_t offset;
    uint32_t length;
} edgeq_reply;

void edgeq_frame_init(void);

/* Waits for a frame; `frame` is valid where the result is GOOD. */
edgeq_frame_result edgeq_frame_receive(edgeq_frame *frame);

/* Where the payload of the next reply is to be written: EDGEQ_MAX_PAYLOAD bytes. The request's ends here. */
uint8_t *edgeq_frame_reply_payload(void);

/* Sends the reply. */
void edgeq_frame_reply(const edgeq_frame *request, uint8_t status, const edgeq_reply *reply);

/* Refuses a frame, naming the sequence number that was last accepted. */
void edgeq_frame_nak(uint16_t sequence, edgeq_frame_result reason);

uint16_t edgeq_get16(const uint8_t *from);
uint32_t edgeq_get32(const uint8_t *from);
void edgeq_put16(uint8_t *to, uint16_t value);
void edgeq_put32(uint8_t *to, uint32_t value);

#endif
