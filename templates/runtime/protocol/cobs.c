/* SPDX-License-Identifier: Apache-2.0 */
#include "cobs.h"

#include "../uart/uart.h"

#define LONGEST_BLOCK 254u

void edgeq_cobs_start(edgeq_cobs_decoder *decoder, uint8_t *buffer, uint32_t capacity)
{
    decoder->buffer = buffer;
    decoder->capacity = capacity;
    decoder->length = 0u;
    decoder->remaining = 0u;
    decoder->zero_follows = false;
    decoder->started = false;
    decoder->overflow = false;
}

static void append(edgeq_cobs_decoder *decoder, uint8_t byte)
{
    if (decoder->length < decoder->capacity) {
        decoder->buffer[decoder->length] = byte;
        decoder->length++;
    } else {
        decoder->overflow = true;
    }
}

static edgeq_cobs_event finish(edgeq_cobs_decoder *decoder)
{
    edgeq_cobs_event event = EDGEQ_COBS_PACKET;

    if (!decoder->started) {
        event = EDGEQ_COBS_MORE; /* delimiters in a row: an idle line */
    } else if (decoder->overflow) {
        event = EDGEQ_COBS_TOO_LONG;
    } else if (decoder->remaining != 0u) {
        event = EDGEQ_COBS_CUT;
    }
    decoder->remaining = 0u;
    decoder->zero_follows = false;
    decoder->started = false;
    decoder->overflow = false;
    return event;
}

edgeq_cobs_event edgeq_cobs_take(edgeq_cobs_decoder *decoder, uint8_t byte)
{
    if (byte == 0u) {
        return finish(decoder);
    }
    if (!decoder->started) {
        decoder->started = true;
        decoder->length = 0u;
    }
    if (decoder->remaining == 0u) {
        if (decoder->zero_follows) {
            append(decoder, 0u);
        }
        decoder->remaining = (uint8_t)(byte - 1u);
        decoder->zero_follows = byte != LONGEST_BLOCK + 1u;
    } else {
        append(decoder, byte);
        decoder->remaining--;
    }
    return EDGEQ_COBS_MORE;
}

void edgeq_cobs_send(const uint8_t *data, uint32_t length)
{
    uint32_t start = 0u;
    bool last = false;

    while (!last) {
        uint32_t end = start;

        while (end < length && data[end] != 0u && end - start < LONGEST_BLOCK) {
            end++;
        }
        edgeq_uart_put((uint8_t)(end - start + 1u));
        for (uint32_t i = start; i < end; i++) {
            edgeq_uart_put(data[i]);
        }
        last = end == length;
        start = (end - start == LONGEST_BLOCK) ? end : end + 1u;
    }
    edgeq_uart_put(0u);
}
