/* SPDX-License-Identifier: Apache-2.0 */
/* A counter that runs through all 32 bits, for the time that a layer takes. */
#ifndef EDGEQ_TIMER_H
#define EDGEQ_TIMER_H

#include <stdint.h>

typedef enum {
    EDGEQ_TIMER_NONE = 0,
    EDGEQ_TIMER_CYCLES = 1,  /* the core's cycle counter (DWT) */
    EDGEQ_TIMER_SYSTICK = 2, /* SysTick on the core's clock */
    EDGEQ_TIMER_DEVICE = 3,  /* a timer of the chip */
    EDGEQ_TIMER_HOST = 4     /* processor time of the host process */
} edgeq_timer_kind;

/* Starts the counter; says which one it is. */
edgeq_timer_kind edgeq_timer_init(void);

/* Ticks per second. */
uint32_t edgeq_timer_hz(void);

/* The counter's value; differences are right modulo 2^32. */
uint32_t edgeq_timer_now(void);

#endif
