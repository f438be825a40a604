/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

__attribute__((noinline)) void edgeq_probe_begin(void)
{
    __asm volatile("" ::: "memory"); /* keeps the call */
}

__attribute__((noinline)) void edgeq_probe_end(void)
{
    __asm volatile("" ::: "memory");
}

__attribute__((noinline)) int edgeq_probe_run(const edgeq_layer *layers, uint32_t count, uint32_t *ran)
{
    int status = EDGEQ_OK;
    uint32_t i = 0;

    edgeq_probe_begin();
    while (i < count && status == EDGEQ_OK) {
        status = layers[i].run();
        i += status == EDGEQ_OK ? 1u : 0u;
    }
    edgeq_probe_end();
    *ran = i;
    return status;
}
