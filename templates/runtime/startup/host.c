/* SPDX-License-Identifier: Apache-2.0 */
/* A process on a PC: its operating system watches the stack and reports faults. */
#include "platform.h"

uint32_t edgeq_stack_size(void)
{
    return 0u;
}

uint32_t edgeq_stack_used(void)
{
    return 0u;
}

bool edgeq_stack_intact(void)
{
    return true;
}

edgeq_fault edgeq_fault_last(void)
{
    edgeq_fault none = {0u, 0u, 0u, 0u};

    return none;
}

bool edgeq_fault_take(void)
{
    return false;
}
