/* SPDX-License-Identifier: Apache-2.0 */
/* Which site of which source file is broken, and which ones have been asked. */
#ifndef EDGEQ_MUTANTS_H
#define EDGEQ_MUTANTS_H

extern int edgeq_mutant;
extern unsigned char edgeq_asked[];

/* EDGEQ_UNIT: the number of the source file; EDGEQ_SITES: more than a file has, with what it includes. */
#define edgeq_mutant_is(site) \
    (edgeq_asked[EDGEQ_UNIT * EDGEQ_SITES + (site)] = 1, edgeq_mutant == EDGEQ_UNIT * EDGEQ_SITES + (site))

#endif
