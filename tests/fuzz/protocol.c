/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device protocol under libFuzzer: an input is a row of frames for a fresh server, whose line this file plays. A
 * frame is a control byte, a length and so many bytes:
 *   control < 0x30   bytes as they are, no frame of ours
 *   control >= 0x30  a frame around them, rightly encoded: command (the control's low four bits), payload; the next
 *                    sequence number, but for controls from 0xE0 on (any number, or a wrong checksum)
 * The server is included, so that its state can be set back between inputs.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server.c"

#include "protocol/crc32.h"
#include "uart/uart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const edgeq_model EDGEQ_MODEL;

#define LINE_BYTES 65536u

static uint8_t line[LINE_BYTES];
static size_t line_length;
static size_t line_at;

static void put(uint8_t byte)
{
    if (line_length < LINE_BYTES) {
        line[line_length] = byte;
        line_length++;
    }
}

/* Consistent overhead byte stuffing, written plainly. */
static void put_encoded(const uint8_t *bytes, size_t count)
{
    size_t start = 0u;

    for (;;) {
        size_t run = 0u;

        while (start + run < count && run < 254u && bytes[start + run] != 0u) {
            run++;
        }
        put((uint8_t)(run + 1u));
        for (size_t i = 0u; i < run; i++) {
            put(bytes[start + i]);
        }
        start += run;
        if (start >= count) {
            break;
        }
        if (run < 254u) {
            start++; /* the zero that ended the run */
            if (start == count) {
                put(1u);
                break;
            }
        }
    }
    put(0u);
}

static void put_frame(uint8_t control, const uint8_t *payload, size_t length, uint16_t sequence)
{
    static uint8_t frame[EDGEQ_FRAME_MAX + 600u];
    uint32_t crc;

    frame[0] = EDGEQ_PROTOCOL_VERSION;
    edgeq_put16(frame + 1, control >= 0xE0u && control < 0xF0u ? (uint16_t)(control * 257u) : sequence);
    frame[3] = control & 0x0Fu;
    frame[4] = 0u;
    memcpy(frame + EDGEQ_FRAME_HEADER, payload, length);
    crc = edgeq_crc32(frame, EDGEQ_FRAME_HEADER + (uint32_t)length);
    edgeq_put32(frame + EDGEQ_FRAME_HEADER + length, control >= 0xF0u ? crc ^ 1u : crc);
    put_encoded(frame, EDGEQ_FRAME_HEADER + length + EDGEQ_FRAME_CRC);
}

void edgeq_uart_init(void)
{
}

int edgeq_uart_get(void)
{
    return line_at < line_length ? line[line_at++] : EDGEQ_UART_CLOSED;
}

void edgeq_uart_put(uint8_t byte)
{
    (void)byte;
}

void edgeq_uart_flush(void)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint16_t sequence = 1u;
    uint32_t before = errors.repeated;
    size_t at = 0u;

    line_length = 0u;
    line_at = 0u;
    while (at + 3u <= size) {
        uint8_t control = data[at];
        size_t length = data[at + 1u] + (data[at + 2u] & 1u) * 256u;

        at += 3u;
        length = length < size - at ? length : size - at;
        if (control < 0x30u) {
            for (size_t i = 0u; i < length; i++) {
                put(data[at + i]);
            }
            put(0u);
        } else {
            put_frame(control, data + at, length, sequence);
            sequence++;
        }
        at += length;
    }
    in_session = false;
    session = 0u;
    last_sequence = 0u;
    forget_results();
    edgeq_server_run(&EDGEQ_MODEL);
    if (line_at != line_length || errors.repeated < before || next_layer > EDGEQ_MODEL.layer_count) {
        abort();
    }
    return 0;
}
