/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/vdso.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "util/cleanup.h"

/* The auxiliary vector says where it begins, only our own mappings say where it ends. */
static size_t mapped_size(uint64_t address)
{
    RTS_FCLOSE FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    while (maps && fgets(line, sizeof line, maps)) {
        uint64_t start, end;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2 && start == address)
            return (size_t)(end - start);
    }
    return 0;
}

struct rts_object *rts_vdso_open(void)
{
    uint64_t address = getauxval(AT_SYSINFO_EHDR);
    size_t size = address ? mapped_size(address) : 0;
    if (size == 0)
        return NULL;
    return rts_object_from_memory((const void *)(uintptr_t)address, size, "[vdso]", NULL);
}
