/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cycle counter of the core's trace unit where it counts, else SysTick. Emulators and the smallest cores have a
 * trace unit that reads as zero, so the choice is made by looking.
 */
#include "../board.h"
#include "timer.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)
#define CSR_ENABLE 1u
#define CSR_INTERRUPT 2u
#define CSR_CORE_CLOCK 4u
#define SYSTICK_MAX 0x00FFFFFFu

#define DWT_CTRL REGISTER(0xE0001000u)
#define DWT_CYCCNT REGISTER(0xE0001004u)
#define CTRL_CYCCNTENA 1u
#define DEMCR REGISTER(0xE000EDFCu)
#define DEMCR_TRCENA (1u << 24)

static edgeq_timer_kind kind;
static volatile uint32_t wraps;

void SysTick_Handler(void);

void SysTick_Handler(void)
{
    wraps++;
}

#if !defined(__ARM_ARCH_6M__)
static int cycle_counter_counts(void)
{
    uint32_t before;

    DEMCR |= DEMCR_TRCENA;
    DWT_CTRL |= CTRL_CYCCNTENA;
    before = DWT_CYCCNT;
    for (int i = 0; i < 8; i++) {
        __asm volatile("nop");
    }
    return DWT_CYCCNT != before;
}
#else
static int cycle_counter_counts(void)
{
    return 0;
}
#endif

edgeq_timer_kind edgeq_timer_init(void)
{
    if (cycle_counter_counts()) {
        kind = EDGEQ_TIMER_CYCLES;
    } else {
        SYST_RVR = SYSTICK_MAX;
        SYST_CVR = 0u;
        SYST_CSR = CSR_ENABLE | CSR_INTERRUPT | CSR_CORE_CLOCK;
        kind = EDGEQ_TIMER_SYSTICK;
    }
    return kind;
}

uint32_t edgeq_timer_hz(void)
{
    return EDGEQ_CLOCK_HZ;
}

uint32_t edgeq_timer_now(void)
{
    uint32_t before;
    uint32_t down;

    if (kind == EDGEQ_TIMER_CYCLES) {
        return DWT_CYCCNT;
    }
    do { /* once more if the counter wrapped in between */
        before = wraps;
        down = SYST_CVR;
        __asm volatile("isb" ::: "memory");
    } while (before != wraps);
    return (before << 24) + (SYSTICK_MAX - down);
}
