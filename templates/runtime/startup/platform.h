/* SPDX-License-Identifier: Apache-2.0 */
/* What the server asks of the place it runs in: its stack, and the fault that it last died of. */
#ifndef EDGEQ_PLATFORM_H
#define EDGEQ_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

/* A hard fault's traces. `count` is the number of faults since power-up, 0 where there was none. */
typedef struct {
    uint32_t count;
    uint32_t pc;     /* 0 where the stack was unusable */
    uint32_t lr;
    uint32_t status; /* CFSR, 0 on cores without */
} edgeq_fault;

/* Bytes of stack, and the most that were ever used; 0 where it is not measured. */
uint32_t edgeq_stack_size(void);
uint32_t edgeq_stack_used(void);

/* False once the stack has run over its end. */
bool edgeq_stack_intact(void);

/* The fault that made the device start anew, and whether it is still unreported. */
edgeq_fault edgeq_fault_last(void);
bool edgeq_fault_take(void);

#endif
