/* SPDX-License-Identifier: Apache-2.0 */
/* The broken site comes from the environment; the sites that were asked go to a file that it names. */
#include <stdio.h>
#include <stdlib.h>

int edgeq_mutant = -1;
unsigned char edgeq_asked[EDGEQ_UNITS * EDGEQ_SITES];

static void __attribute__((constructor)) choose(void)
{
    const char *site = getenv("EDGEQ_MUTANT");

    if (site != NULL) {
        edgeq_mutant = atoi(site);
    }
}

static void __attribute__((destructor)) tell(void)
{
    const char *path = getenv("EDGEQ_ASKED");
    FILE *file = path != NULL ? fopen(path, "wb") : NULL;

    if (file != NULL) {
        (void)fwrite(edgeq_asked, 1, sizeof edgeq_asked, file);
        (void)fclose(file);
    }
}
