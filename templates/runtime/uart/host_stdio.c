/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input and output instead of a serial line, for the executable that runs on a PC. */
#include <stdio.h>

#include "uart.h"

void edgeq_uart_init(void)
{
}

int edgeq_uart_get(void)
{
    int byte = getchar();

    return byte == EOF ? EDGEQ_UART_CLOSED : byte;
}

void edgeq_uart_put(uint8_t byte)
{
    (void)putchar(byte);
}

void edgeq_uart_flush(void)
{
    (void)fflush(stdout);
}
