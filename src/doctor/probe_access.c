/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "capture/standing.h"
#include "process/maps.h"
#include "process/root_view.h"
#include "util/cleanup.h"

/* Opens <proc_root>/PID/<name>; 0 or the errno. */
static int try_file(const struct rts_probe_options *options, const char *name, int flags)
{
    char path[320];
    snprintf(path, sizeof path, "%s/%d/%s", options->proc_root, (int)options->pid, name);
    RTS_CLOSE int fd = open(path, flags | O_CLOEXEC);
    return fd < 0 ? errno : 0;
}

/* The first mapping of a file, and where the program begins. */
struct first_mapping {
    uint64_t start, end;
};

static void take_first(void *context, const struct rts_maps_line *line)
{
    struct first_mapping *first = context;
    if (first->end == 0 && line->inode != 0) {
        first->start = line->start;
        first->end = line->end;
    }
}

static int try_map_files(const struct rts_probe_options *options, const struct first_mapping *first)
{
    char name[64];
    if (first->end == 0)
        return try_file(options, "map_files", O_RDONLY | O_DIRECTORY);
    snprintf(name, sizeof name, "map_files/%" PRIx64 "-%" PRIx64, first->start, first->end);
    return try_file(options, name, O_RDONLY);
}

/* As samples by ptrace are taken, and as they are where a filter refuses that. */
static int try_memory(const struct rts_probe_options *options, const struct first_mapping *first)
{
    char path[320], byte;
    struct iovec local = {.iov_base = &byte, .iov_len = 1};
    struct iovec remote = {.iov_base = (void *)(uintptr_t)first->start, .iov_len = 1};
    if (first->end == 0)
        return rts_target_tracing_error(options->proc_root, options->pid);
    if (process_vm_readv(options->pid, &local, 1, &remote, 1, 0) == 1)
        return 0;
    int number = errno;
    snprintf(path, sizeof path, "%s/%d/mem", options->proc_root, (int)options->pid);
    RTS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && pread(fd, &byte, 1, (off_t)first->start) == 1 ? 0 : number;
}

void rts_probe_access(struct rts_access *access, const struct rts_probe_options *options)
{
    struct rts_error error = {0};
    struct first_mapping first = {0};
    const struct rts_proc proc = {.root = options->proc_root};
    *access = (struct rts_access){.signal = kill(options->pid, 0) < 0 ? errno : 0};
    const struct rts_maps_wanted all = {.part = RTS_MAPS_ALL};
    access->maps_lines =
        rts_maps_read_part(&proc, options->pid, &all, take_first, &first, NULL, &error);
    access->maps = access->maps_lines < 0 ? (error.number ? error.number : ESRCH) : 0;
    access->root = try_file(options, "root/", O_RDONLY | O_DIRECTORY);
    access->exe = try_file(options, "exe", O_RDONLY);
    access->map_files = access->maps == 0 ? try_map_files(options, &first) : RTS_NOT_TRIED;
    if (options->spare_memory) {
        access->tracing = access->memory = EPERM;
    } else {
        access->tracing = rts_target_tracing_error(options->proc_root, options->pid);
        access->memory = try_memory(options, &first);
    }
    struct rts_root_view view;
    rts_root_view_open(&view, options->proc_root, options->pid);
    access->own_root = view.fd < 0 || view.own_namespace;
    rts_root_view_finish(&view);
}
