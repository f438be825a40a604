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

/* How many bytes come before the next zero, at most `limit`. */
static uint32_t run_before_zero(edgeq_bytes bytes, uint32_t limit)
{
    uint32_t run = 0u;

    while (run < limit && edgeq_bytes_next(&bytes) != 0u) {
        run++;
    }
    return run;
}

void edgeq_cobs_send(edgeq_bytes bytes, uint32_t length)
{
    bool last = false;

    while (!last) {
        uint32_t run = run_before_zero(bytes, length < LONGEST_BLOCK ? length : LONGEST_BLOCK);

        edgeq_uart_put((uint8_t)(run + 1u));
        for (uint32_t i = 0; i < run; i++) {
            edgeq_uart_put(edgeq_bytes_next(&bytes));
        }
        length -= run;
        last = length == 0u;
        if (!last && run < LONGEST_BLOCK) {
            (void)edgeq_bytes_next(&bytes); /* the zero that the block stands for */
            length--;
        }
    }
    edgeq_uart_put(0u);
}
