/* SPDX-License-Identifier: Apache-2.0 */
#include "util/own_memory.h"

#include <stdio.h>

#include "util/cleanup.h"

/* Not getrusage(): its ru_maxrss begins with what the program had that executed us. */
void rts_own_memory_read(struct rts_own_memory *memory)
{
    char line[256];
    unsigned long kib;
    RTS_FCLOSE FILE *file = fopen("/proc/self/status", "re");
    *memory = (struct rts_own_memory){0};
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmRSS: %lu", &kib) == 1)
            memory->rss_kib = kib;
        else if (sscanf(line, "VmHWM: %lu", &kib) == 1)
            memory->peak_rss_kib = kib;
    }
}
