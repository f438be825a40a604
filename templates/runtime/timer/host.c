/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "timer.h"

edgeq_timer_kind edgeq_timer_init(void)
{
    return EDGEQ_TIMER_HOST;
}

uint32_t edgeq_timer_hz(void)
{
    return (uint32_t)CLOCKS_PER_SEC;
}

uint32_t edgeq_timer_now(void)
{
    return (uint32_t)clock();
}
