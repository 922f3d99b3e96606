/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/perf_limits.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "capture/refusal.h"
#include "util/cleanup.h"

uint32_t rts_perf_max_frequency(void)
{
    RTS_FCLOSE FILE *file = fopen("/proc/sys/kernel/perf_event_max_sample_rate", "re");
    unsigned limit;
    return file && fscanf(file, "%u", &limit) == 1 && limit > 0 ? limit : UINT_MAX;
}

bool rts_perf_keeps_second_mapping(void)
{
    struct utsname names;
    unsigned version, level;
    /* Nothing tells of it but that less can be locked afterwards. */
    if (uname(&names) < 0 || sscanf(names.release, "%u.%u", &version, &level) != 2)
        return true;
    return version > 6 || (version == 6 && level >= 17);
}

void rts_perf_raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int rts_perf_too_many_files(int32_t pid, struct rts_error *error)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    rts_fail(
        error, RTS_FAILED,
        "cannot watch all threads of process %d: it takes one event per thread and CPU, and the "
        "limit on open files is %llu (ulimit -n)",
        (int)pid, (unsigned long long)limit.rlim_cur);
    if (error) {
        error->number = EMFILE;
        error->cause = rts_cause_name(RTS_CAUSE_OPEN_FILES);
    }
    return -1;
}

int rts_perf_too_many_events(int32_t pid, struct rts_error *error)
{
    rts_fail(error, RTS_FAILED,
             "process %d and those before it have so many threads that opening events on each "
             "would take too long",
             (int)pid);
    if (error) {
        error->number = E2BIG;
        error->cause = rts_cause_name(RTS_CAUSE_MANY_THREADS);
    }
    return -1;
}
