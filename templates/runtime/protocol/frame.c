/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include "../uart/uart.h"
#include "cobs.h"
#include "crc32.h"

static uint8_t buffer[EDGEQ_FRAME_MAX]; /* the request, then the beginning of its reply */
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
    edgeq_cobs_start(&decoder, buffer, EDGEQ_FRAME_MAX);
}

static edgeq_frame_result parse(edgeq_frame *frame)
{
    uint32_t length = decoder.length;

    if (length < EDGEQ_FRAME_HEADER + EDGEQ_FRAME_CRC) {
        return EDGEQ_FRAME_TOO_SHORT;
    }
    length -= EDGEQ_FRAME_CRC;
    if (edgeq_crc32(buffer, length) != edgeq_get32(buffer + length)) {
        return EDGEQ_FRAME_BAD_CRC;
    }
    if (buffer[0] != EDGEQ_PROTOCOL_VERSION) {
        return EDGEQ_FRAME_BAD_VERSION;
    }
    frame->sequence = edgeq_get16(buffer + 1);
    frame->command = buffer[3];
    frame->payload = buffer + EDGEQ_FRAME_HEADER;
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

/* Sends a frame. `reply->written` counts the bytes of its payload that follow the header in the buffer. */
static void send(uint16_t sequence, uint8_t command, uint8_t status, const edgeq_reply *reply)
{
    uint32_t length = EDGEQ_FRAME_HEADER + reply->written + reply->length;
    uint8_t checksum[EDGEQ_FRAME_CRC];
    edgeq_bytes bytes = {
        buffer, EDGEQ_FRAME_HEADER + reply->written, reply->tensors, reply->offset, reply->length, checksum,
        EDGEQ_FRAME_CRC,
    };
    edgeq_bytes ahead = bytes;
    uint32_t crc = EDGEQ_CRC32_START;

    buffer[0] = EDGEQ_PROTOCOL_VERSION;
    edgeq_put16(buffer + 1, sequence);
    buffer[3] = command;
    buffer[4] = status;
    for (uint32_t i = 0; i < length; i++) {
        crc = edgeq_crc32_add(crc, edgeq_bytes_next(&ahead));
    }
    edgeq_put32(checksum, ~crc);
    edgeq_cobs_send(bytes, length + EDGEQ_FRAME_CRC);
    edgeq_uart_flush();
}

uint8_t *edgeq_frame_reply_payload(void)
{
    return buffer + EDGEQ_FRAME_HEADER;
}

void edgeq_frame_reply(const edgeq_frame *request, uint8_t status, const edgeq_reply *reply)
{
    send(request->sequence, (uint8_t)(request->command | EDGEQ_COMMAND_REPLY), status, reply);
}

void edgeq_frame_nak(uint16_t sequence, edgeq_frame_result reason)
{
    const edgeq_reply nothing = {0};

    send(sequence, EDGEQ_COMMAND_NAK, (uint8_t)reason, &nothing);
}
