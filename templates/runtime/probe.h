/* SPDX-License-Identifier: Apache-2.0 */
/* Runs layers between two marks that an emulator can find. */
#ifndef EDGEQ_PROBE_H
#define EDGEQ_PROBE_H

#include "include/edgeq_model.h"

/* The marks: an emulator's plugin counts the instructions executed after the first and before the second. */
void edgeq_probe_begin(void);
void edgeq_probe_end(void);

/*
 * Runs `count` layers, up to the first that fails. `ran` is the number of those that succeeded. Returns the failing
 * layer's status, or EDGEQ_OK. The instructions of this function itself are left out of the count.
 */
int edgeq_probe_run(const edgeq_layer *layers, uint32_t count, uint32_t *ran);

#endif
