/* SPDX-License-Identifier: Apache-2.0 */
/* The validation server: runs a model layer by layer at a host's command, and hands out every tensor. */
#ifndef EDGEQ_SERVER_H
#define EDGEQ_SERVER_H

#include "include/edgeq_model.h"

/* Serves requests for ever; returns where the link can be closed (on a host). */
void edgeq_server_run(const edgeq_model *model);

#endif
