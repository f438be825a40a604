/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include "../uart/uart.h"
#include "cobs.h"
#include "crc32.h"

static uint8_t received[EDGEQ_FRAME_MAX];
static uint8_t reply[EDGEQ_FRAME_MAX];
static uint32_t reply_length; /* header and payload; the checksum follows */
static edgeq_cobs_decoder decoder;

uint16_t edgeq_get16(const uint8_t *from)
{
    return (uint16_t)(from[0] | ((uint32_t)from[1] << 8));
}

uint32_t edgeq_get32(const uint8_t *from)
{
    return (uint32_t)edgeq_get16(from) | ((uint32_t)edgeq_get16(from + 2) << 16);
}

void edgeq_put16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value & 0xFFu);
    to[1] = (uint8_t)(value >> 8);
}

void edgeq_put32(uint8_t *to, uint32_t value)
{
    edgeq_put16(to, (uint16_t)(value & 0xFFFFu));
    edgeq_put16(to + 2, (uint16_t)(value >> 16));
}

void edgeq_frame_init(void)
{
    edgeq_cobs_start(&decoder, received, EDGEQ_FRAME_MAX);
    reply_length = 0u;
}

static edgeq_frame_result parse(edgeq_frame *frame)
{
    uint32_t length = decoder.length;

    if (length < EDGEQ_FRAME_HEADER + EDGEQ_FRAME_CRC) {
        return EDGEQ_FRAME_TOO_SHORT;
    }
    length -= EDGEQ_FRAME_CRC;
    if (edgeq_crc32(received, length) != edgeq_get32(received + length)) {
        return EDGEQ_FRAME_BAD_CRC;
    }
    if (received[0] != EDGEQ_PROTOCOL_VERSION) {
        return EDGEQ_FRAME_BAD_VERSION;
    }
    frame->sequence = edgeq_get16(received + 1);
    frame->command = received[3];
    frame->payload = received + EDGEQ_FRAME_HEADER;
    frame->length = length - EDGEQ_FRAME_HEADER;
    return EDGEQ_FRAME_GOOD;
}

edgeq_frame_result edgeq_frame_receive(edgeq_frame *frame)
{
    for (;;) {
        int byte = edgeq_uart_get();

        if (byte == EDGEQ_UART_CLOSED) {
            return EDGEQ_FRAME_CLOSED;
        }
        switch (edgeq_cobs_take(&decoder, (uint8_t)byte)) {
        case EDGEQ_COBS_PACKET:
            return parse(frame);
        case EDGEQ_COBS_CUT:
            return EDGEQ_FRAME_CUT;
        case EDGEQ_COBS_TOO_LONG:
            return EDGEQ_FRAME_TOO_LONG;
        case EDGEQ_COBS_MORE:
        default:
            break;
        }
    }
}

/* Appends the checksum and sends. `length` counts header and payload. */
static void send(uint8_t *frame, uint32_t length)
{
    edgeq_put32(frame + length, edgeq_crc32(frame, length));
    edgeq_cobs_send(frame, length + EDGEQ_FRAME_CRC);
    edgeq_uart_flush();
}

static void put_header(uint8_t *frame, uint16_t sequence, uint8_t command, uint8_t status)
{
    frame[0] = EDGEQ_PROTOCOL_VERSION;
    edgeq_put16(frame + 1, sequence);
    frame[3] = command;
    frame[4] = status;
}

uint8_t *edgeq_frame_reply_payload(void)
{
    return reply + EDGEQ_FRAME_HEADER;
}

void edgeq_frame_reply(const edgeq_frame *request, uint8_t status, uint32_t length)
{
    put_header(reply, request->sequence, (uint8_t)(request->command | EDGEQ_COMMAND_REPLY), status);
    reply_length = EDGEQ_FRAME_HEADER + length;
    send(reply, reply_length);
}

void edgeq_frame_repeat(void)
{
    send(reply, reply_length);
}

void edgeq_frame_nak(uint16_t sequence, edgeq_frame_result reason)
{
    uint8_t nak[EDGEQ_FRAME_HEADER + EDGEQ_FRAME_CRC];

    put_header(nak, sequence, EDGEQ_COMMAND_NAK, (uint8_t)reason);
    send(nak, EDGEQ_FRAME_HEADER);
}
