/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first generation of ST's USART (STM32F1, F2, F4, L1), on the clock that runs after reset. The GPIO part is that
 * of F2, F4 and L1. Pins 0 to 7 use the low alternate-function register, 8 to 15 the high one.
 */
#include "../board.h"
#include "uart.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define USART_SR REGISTER(EDGEQ_UART_BASE + 0x00u)
#define USART_DR REGISTER(EDGEQ_UART_BASE + 0x04u)
#define USART_BRR REGISTER(EDGEQ_UART_BASE + 0x08u)
#define USART_CR1 REGISTER(EDGEQ_UART_BASE + 0x0Cu)
#define SR_RXNE (1u << 5)
#define SR_TXE (1u << 7)
#define CR1_RE (1u << 2)
#define CR1_TE (1u << 3)
#define CR1_UE (1u << 13)

#define GPIO_MODER REGISTER(EDGEQ_UART_GPIO_BASE + 0x00u)
#define GPIO_PUPDR REGISTER(EDGEQ_UART_GPIO_BASE + 0x0Cu)
#define GPIO_AFR(pin) REGISTER(EDGEQ_UART_GPIO_BASE + 0x20u + 4u * ((pin) / 8u))
#define MODE_ALTERNATE 2u
#define PULL_UP 1u

#define RCC_GPIO_ENABLE REGISTER(EDGEQ_UART_RCC_BASE + EDGEQ_UART_RCC_GPIO_ENABLE_OFFSET)
#define RCC_UART_ENABLE REGISTER(EDGEQ_UART_RCC_BASE + EDGEQ_UART_RCC_UART_ENABLE_OFFSET)

static void connect_pin(uint32_t pin)
{
    uint32_t nibble = 4u * (pin % 8u);

    GPIO_AFR(pin) = (GPIO_AFR(pin) & ~(15u << nibble)) | (EDGEQ_UART_ALTERNATE_FUNCTION << nibble);
    GPIO_PUPDR = (GPIO_PUPDR & ~(3u << (2u * pin))) | (PULL_UP << (2u * pin));
    GPIO_MODER = (GPIO_MODER & ~(3u << (2u * pin))) | (MODE_ALTERNATE << (2u * pin));
}

void edgeq_uart_init(void)
{
    RCC_GPIO_ENABLE |= 1u << EDGEQ_UART_RCC_GPIO_ENABLE_BIT;
    RCC_UART_ENABLE |= 1u << EDGEQ_UART_RCC_UART_ENABLE_BIT;
    (void)RCC_UART_ENABLE; /* a peripheral may be used two cycles after its clock was enabled */
    connect_pin(EDGEQ_UART_TX_PIN);
    connect_pin(EDGEQ_UART_RX_PIN);
    USART_BRR = (EDGEQ_UART_CLOCK_HZ + EDGEQ_UART_BAUD / 2u) / EDGEQ_UART_BAUD;
    USART_CR1 = CR1_UE | CR1_TE | CR1_RE;
}

int edgeq_uart_get(void)
{
    while ((USART_SR & SR_RXNE) == 0u) {
    }
    return (int)(USART_DR & 0xFFu); /* reading SR, then DR, also clears an overrun */
}

void edgeq_uart_put(uint8_t byte)
{
    while ((USART_SR & SR_TXE) == 0u) {
    }
    USART_DR = byte;
}

void edgeq_uart_flush(void)
{
}
