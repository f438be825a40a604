/* SPDX-License-Identifier: Apache-2.0 */
/* Serves the model that EDGEQ_MODEL names, to be validated from a PC. An application takes this file's place. */
#include "include/edgeq_model.h"
#include "server.h"
#include "uart/uart.h"

extern const edgeq_model EDGEQ_MODEL;

int main(void)
{
    edgeq_uart_init();
    edgeq_server_run(&EDGEQ_MODEL);
    return 0;
}
