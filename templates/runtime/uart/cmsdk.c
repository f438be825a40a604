/* SPDX-License-Identifier: Apache-2.0 */
/* The UART of Arm's Cortex-M System Design Kit, as on the MPS2 and MPS3 boards. */
#include "../board.h"
#include "uart.h"

typedef struct {
    volatile uint32_t data;
    volatile uint32_t state;
    volatile uint32_t control;
    volatile uint32_t interrupt;
    volatile uint32_t divider;
} cmsdk_uart;

#define UART ((cmsdk_uart *)EDGEQ_UART_BASE)
#define STATE_TX_FULL (1u << 0)
#define STATE_RX_FULL (1u << 1)
#define CONTROL_TX_ENABLE (1u << 0)
#define CONTROL_RX_ENABLE (1u << 1)

void edgeq_uart_init(void)
{
    UART->divider = (EDGEQ_UART_CLOCK_HZ + EDGEQ_UART_BAUD / 2u) / EDGEQ_UART_BAUD;
    UART->control = CONTROL_TX_ENABLE | CONTROL_RX_ENABLE;
}

int edgeq_uart_get(void)
{
    while ((UART->state & STATE_RX_FULL) == 0u) {
    }
    return (int)(UART->data & 0xFFu);
}

void edgeq_uart_put(uint8_t byte)
{
    while ((UART->state & STATE_TX_FULL) != 0u) {
    }
    UART->data = byte;
}

void edgeq_uart_flush(void)
{
}
