/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <linux/hw_breakpoint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/perf_rings.h"
#include "util/cleanup.h"

/* What is called while it is watched. The barrier keeps calls apart. */
static __attribute__((noinline, noclone)) void watched(void)
{
    __asm__ volatile("" ::: "memory");
}

/* Opens a counting event on ourselves, makes the calls and reads the count. */
static int count_calls(struct perf_event_attr *attr, uint64_t *hits)
{
    attr->size = PERF_ATTR_SIZE_VER5;
    attr->exclude_kernel = 1;
    attr->exclude_hv = 1;
    RTS_CLOSE int fd = rts_perf_event_open(attr, 0, (uint32_t)-1);
    if (fd < 0)
        return errno;
    for (int i = 0; i < RTS_ENTRY_CALLS; i++)
        watched();
    return read(fd, hits, sizeof *hits) == (ssize_t)sizeof *hits ? 0 : EIO;
}

static int try_breakpoint(uint64_t *hits)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_BREAKPOINT,
        .bp_type = HW_BREAKPOINT_X,
        .bp_addr = (uintptr_t)watched,
        .bp_len = sizeof(long),
    };
    return count_calls(&attr, hits);
}

/* Where a function of ours lies in our file. */
struct place_in_file {
    uintptr_t address;
    uint64_t offset;
};

static int find_in_file(struct dl_phdr_info *info, size_t size, void *context)
{
    struct place_in_file *place = context;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type != PT_LOAD || place->address < start ||
            place->address - start >= header->p_filesz)
            continue;
        place->offset = header->p_offset + (place->address - start);
        return 1;
    }
    return 0;
}

/* The number of the kernel's uprobe device; -1 when /sys does not have it. */
static long device_type(const char *sys_root)
{
    char path[320];
    long type;
    snprintf(path, sizeof path, "%s/bus/event_source/devices/uprobe/type", sys_root);
    RTS_FCLOSE FILE *file = fopen(path, "re");
    return file && fscanf(file, "%ld", &type) == 1 ? type : -1;
}

static int try_uprobe(const char *sys_root, uint64_t *hits)
{
    struct place_in_file place = {.address = (uintptr_t)watched};
    long type = device_type(sys_root);
    if (type < 0)
        return ENODEV;
    if (!dl_iterate_phdr(find_in_file, &place))
        return ENOENT;
    struct perf_event_attr attr = {
        .type = (uint32_t)type,
        .config1 = (uintptr_t) "/proc/self/exe",
        .config2 = place.offset,
    };
    return count_calls(&attr, hits);
}

/* Opened, and nothing written: that would be seen by others. */
static int try_tracefs(const char *sys_root)
{
    static const char *const names[] = {"kernel/tracing/uprobe_events",
                                        "kernel/debug/tracing/uprobe_events"};
    int number = ENOENT;
    for (size_t i = 0; i < sizeof names / sizeof *names && number == ENOENT; i++) {
        char path[320];
        snprintf(path, sizeof path, "%s/%s", sys_root, names[i]);
        RTS_CLOSE int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        number = fd >= 0 ? 0 : errno;
    }
    return number;
}

void rts_probe_entry(struct rts_entry_findings *entry, const struct rts_probe_options *options)
{
    entry->breakpoint = try_breakpoint(&entry->breakpoint_hits);
    entry->uprobe = try_uprobe(options->sys_root, &entry->uprobe_hits);
    entry->tracefs = try_tracefs(options->sys_root);
}
