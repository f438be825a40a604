/* SPDX-License-Identifier: Apache-2.0 */
/* TIMER0 of a Nordic chip, 32 bits at the full 16 MHz: the nRF51's core has neither SysTick nor a cycle counter. */
#include "../board.h"
#include "timer.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define START REGISTER(EDGEQ_TIMER_BASE + 0x000u)
#define CAPTURE_0 REGISTER(EDGEQ_TIMER_BASE + 0x040u)
#define MODE REGISTER(EDGEQ_TIMER_BASE + 0x504u)
#define BIT_MODE REGISTER(EDGEQ_TIMER_BASE + 0x508u)
#define PRESCALER REGISTER(EDGEQ_TIMER_BASE + 0x510u)
#define CC_0 REGISTER(EDGEQ_TIMER_BASE + 0x540u)
#define BIT_MODE_32 3u

edgeq_timer_kind edgeq_timer_init(void)
{
    MODE = 0u;
    BIT_MODE = BIT_MODE_32;
    PRESCALER = 0u;
    START = 1u;
    return EDGEQ_TIMER_DEVICE;
}

uint32_t edgeq_timer_hz(void)
{
    return EDGEQ_TIMER_CLOCK_HZ;
}

uint32_t edgeq_timer_now(void)
{
    CAPTURE_0 = 1u;
    return CC_0;
}
