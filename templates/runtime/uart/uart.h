/* SPDX-License-Identifier: Apache-2.0 */
/* A serial line with 8 data bits and no parity: one driver is linked per board. */
#ifndef EDGEQ_UART_H
#define EDGEQ_UART_H

#include <stdint.h>

#define EDGEQ_UART_CLOSED (-1)

void edgeq_uart_init(void);

/* Waits for the next byte: 0 to 255, or EDGEQ_UART_CLOSED once the other side has left (on a host only). */
int edgeq_uart_get(void);

/* Waits until there is room, and sends. */
void edgeq_uart_put(uint8_t byte);

/* Passes on what put() has gathered. */
void edgeq_uart_flush(void);

#endif
