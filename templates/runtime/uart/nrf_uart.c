/* SPDX-License-Identifier: Apache-2.0 */
/* Nordic's UART without DMA: nRF51, and nRF52 under the name of legacy UART. */
#include "../board.h"
#include "uart.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define START_RX REGISTER(EDGEQ_UART_BASE + 0x000u)
#define START_TX REGISTER(EDGEQ_UART_BASE + 0x008u)
#define RX_READY REGISTER(EDGEQ_UART_BASE + 0x108u)
#define TX_READY REGISTER(EDGEQ_UART_BASE + 0x11Cu)
#define ENABLE REGISTER(EDGEQ_UART_BASE + 0x500u)
#define PSEL_TXD REGISTER(EDGEQ_UART_BASE + 0x50Cu)
#define PSEL_RXD REGISTER(EDGEQ_UART_BASE + 0x514u)
#define RXD REGISTER(EDGEQ_UART_BASE + 0x518u)
#define TXD REGISTER(EDGEQ_UART_BASE + 0x51Cu)
#define BAUDRATE REGISTER(EDGEQ_UART_BASE + 0x524u)
#define ENABLE_UART 4u

#define GPIO_OUTSET REGISTER(EDGEQ_UART_GPIO_BASE + 0x508u)
#define GPIO_DIRSET REGISTER(EDGEQ_UART_GPIO_BASE + 0x518u)

void edgeq_uart_init(void)
{
    /* The idle level first: the pin must not fall while it becomes an output. */
    GPIO_OUTSET = 1u << EDGEQ_UART_TX_PIN;
    GPIO_DIRSET = 1u << EDGEQ_UART_TX_PIN;
    PSEL_TXD = EDGEQ_UART_TX_PIN;
    PSEL_RXD = EDGEQ_UART_RX_PIN;
    BAUDRATE = EDGEQ_UART_BAUDRATE;
    ENABLE = ENABLE_UART;
    RX_READY = 0u;
    TX_READY = 0u;
    START_TX = 1u;
    START_RX = 1u;
}

int edgeq_uart_get(void)
{
    while (RX_READY == 0u) {
    }
    RX_READY = 0u; /* before reading: the next byte raises it again as soon as this one is taken */
    return (int)(RXD & 0xFFu);
}

void edgeq_uart_put(uint8_t byte)
{
    TX_READY = 0u;
    TXD = byte;
    while (TX_READY == 0u) {
    }
}

void edgeq_uart_flush(void)
{
}
