/* SPDX-License-Identifier: Apache-2.0 */
#include "util/own_memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"

int rts_own_memory_open(void)
{
    return open("/proc/self/status", O_RDONLY | O_CLOEXEC);
}

static uint64_t kib_of(const char *text, const char *name)
{
    const char *line = strstr(text, name);
    return line ? strtoull(line + strlen(name), NULL, 10) : 0;
}

/* Not getrusage(): its ru_maxrss begins with what the program had that executed us. */
void rts_own_memory_read_from(int fd, struct rts_own_memory *memory)
{
    char text[4096];
    ssize_t size = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    *memory = (struct rts_own_memory){
        .rss_kib = kib_of(text, "\nVmRSS:"),
        .peak_rss_kib = kib_of(text, "\nVmHWM:"),
    };
}

void rts_own_memory_read(struct rts_own_memory *memory)
{
    RTS_CLOSE int fd = rts_own_memory_open();
    rts_own_memory_read_from(fd, memory);
}
