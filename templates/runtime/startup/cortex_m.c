/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start-up of a Cortex-M: vector table, memory, FPU, and a stack whose use can be measured. No clock is touched: the
 * chip runs on the oscillator that it starts with.
 *
 * A hard fault leaves its traces in memory that the start-up code does not clear, and starts the chip anew; the host
 * then learns of it from the server.
 */
#include "../board.h"
#include "platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SCB_VTOR REGISTER(0xE000ED08u)
#define SCB_AIRCR REGISTER(0xE000ED0Cu)
#define SCB_CCR REGISTER(0xE000ED14u)
#define SCB_CFSR REGISTER(0xE000ED28u)
#define AIRCR_RESET 0x05FA0004u
#define CCR_LOW_OVERHEAD_LOOPS (1u << 19)

#define FAULT_MAGIC 0xFA17ED6Eu
#define PAINT 0xE5C0DEA5u
#define PAINT_WORDS_MAX 16384u /* on large memories painting everything would only take time */
#define GUARD_WORDS 4u
#define FRAME_WORDS 8u
#define FRAME_LR 5u
#define FRAME_PC 6u

/* From the linker script. */
extern uint32_t edgeq_stack_limit[], edgeq_stack_top[];
extern uint32_t edgeq_data_start[], edgeq_data_end[], edgeq_data_load[];
extern uint32_t edgeq_bss_start[], edgeq_bss_end[];

extern int main(void);

void Reset_Handler(void);
void HardFault_Handler(void);
void SysTick_Handler(void);
void edgeq_start(void);
void edgeq_record_fault(const uint32_t *frame);

__attribute__((section(".noinit"))) static struct {
    uint32_t magic;
    uint32_t unreported;
    edgeq_fault fault;
} trace;

/* A chip without SysTick, or a timer that does not use it. */
__attribute__((weak)) void SysTick_Handler(void)
{
}

typedef union {
    const uint32_t *stack;
    void (*handler)(void);
} vector;

__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    [0] = {.stack = edgeq_stack_top},     [1] = {.handler = Reset_Handler},     [2] = {.handler = HardFault_Handler},
    [3] = {.handler = HardFault_Handler}, [4] = {.handler = HardFault_Handler}, [5] = {.handler = HardFault_Handler},
    [6] = {.handler = HardFault_Handler}, [7] = {.handler = HardFault_Handler}, [11] = {.handler = HardFault_Handler},
    [12] = {.handler = HardFault_Handler}, [14] = {.handler = HardFault_Handler}, [15] = {.handler = SysTick_Handler},
};

/* The FPU first: the compiler may use its registers in any function. */
__attribute__((naked, noreturn)) void Reset_Handler(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    __asm volatile("ldr r0, =0xE000ED88 \n" /* CPACR: full access to coprocessors 10 and 11 */
                   "ldr r1, [r0] \n"
                   "orr r1, r1, #0x00F00000 \n"
                   "str r1, [r0] \n"
                   "dsb \n"
                   "isb \n");
#endif
    __asm volatile("bl edgeq_start \n");
}

void edgeq_start(void)
{
    uint32_t *here;
    uint32_t *painted;

#if !defined(__ARM_ARCH_6M__)
    SCB_VTOR = (uint32_t)vectors;
#endif
#if defined(__ARM_FEATURE_MVE)
    SCB_CCR |= CCR_LOW_OVERHEAD_LOOPS;
#endif
    for (uint32_t *to = edgeq_data_start, *from = edgeq_data_load; to < edgeq_data_end; to++, from++) {
        *to = *from;
    }
    for (uint32_t *to = edgeq_bss_start; to < edgeq_bss_end; to++) {
        *to = 0u;
    }
    __asm volatile("mov %0, sp" : "=r"(here));
    here -= GUARD_WORDS;
    painted = here - edgeq_stack_limit > (int32_t)PAINT_WORDS_MAX ? here - PAINT_WORDS_MAX : edgeq_stack_limit;
    for (uint32_t *word = painted; word < here; word++) {
        *word = PAINT;
    }
    for (uint32_t i = 0; i < GUARD_WORDS; i++) {
        edgeq_stack_limit[i] = PAINT;
    }
    if (trace.magic != FAULT_MAGIC) { /* power-up: the memory held anything */
        trace.magic = FAULT_MAGIC;
        trace.unreported = 0u;
        trace.fault.count = 0u;
        trace.fault.pc = 0u;
        trace.fault.lr = 0u;
        trace.fault.status = 0u;
    }
    (void)main();
    for (;;) {
    }
}

uint32_t edgeq_stack_size(void)
{
    return (uint32_t)((uintptr_t)edgeq_stack_top - (uintptr_t)edgeq_stack_limit);
}

uint32_t edgeq_stack_used(void)
{
    const uint32_t *word = edgeq_stack_limit;

    if (edgeq_stack_size() / sizeof(uint32_t) > PAINT_WORDS_MAX) {
        word += edgeq_stack_size() / sizeof(uint32_t) - PAINT_WORDS_MAX;
    }
    while (word < edgeq_stack_top && *word == PAINT) {
        word++;
    }
    return (uint32_t)((uintptr_t)edgeq_stack_top - (uintptr_t)word);
}

bool edgeq_stack_intact(void)
{
    for (uint32_t i = 0; i < GUARD_WORDS; i++) {
        if (*(volatile uint32_t *)(edgeq_stack_limit + i) != PAINT) {
            return false;
        }
    }
    return true;
}

edgeq_fault edgeq_fault_last(void)
{
    return trace.fault;
}

bool edgeq_fault_take(void)
{
    bool unreported = trace.unreported != 0u;

    trace.unreported = 0u;
    return unreported;
}

void edgeq_record_fault(const uint32_t *frame)
{
    bool usable = (uintptr_t)frame >= (uintptr_t)edgeq_stack_limit &&
                  (uintptr_t)frame <= (uintptr_t)edgeq_stack_top - FRAME_WORDS * sizeof(uint32_t);

    trace.fault.count++;
    trace.fault.pc = usable ? frame[FRAME_PC] : 0u;
    trace.fault.lr = usable ? frame[FRAME_LR] : 0u;
#if !defined(__ARM_ARCH_6M__)
    trace.fault.status = SCB_CFSR;
#endif
    trace.unreported = 1u;
    __asm volatile("dsb" ::: "memory");
    SCB_AIRCR = AIRCR_RESET;
    for (;;) {
    }
}

/* On a fresh stack, as a stack that ran over is a likely reason to be here. */
__attribute__((naked, noreturn)) void HardFault_Handler(void)
{
    __asm volatile("mov r0, sp \n"
                   "ldr r1, =edgeq_stack_top \n"
                   "mov sp, r1 \n"
                   "bl edgeq_record_fault \n");
}
