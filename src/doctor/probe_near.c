/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/probe.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/near_reader.h"
#include "capture/perf_rings.h"

/* For the case that it is not let run. */
#define CHILD_SECONDS_MAX 10

/* PERF_RECORD_SWITCH of ourselves: Linux 4.3. */
static int ask_switches(void)
{
    const struct perf_event_attr attr = {
        .size = PERF_ATTR_SIZE_VER5,
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .context_switch = 1,
        .use_clockid = 1,
        .clockid = CLOCK_MONOTONIC,
    };
    int fd = rts_perf_event_open(&attr, 0, UINT32_MAX); /* on whatever CPU */
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static void find_cpus(struct rts_near_findings *near)
{
    const long configured = sysconf(_SC_NPROCESSORS_CONF);
    for (long cpu = 0; cpu < configured; cpu++) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpu + 1);
        const size_t size = CPU_ALLOC_SIZE((size_t)cpu + 1);
        if (!set)
            return;
        CPU_ZERO_S(size, set);
        CPU_SET_S((size_t)cpu, size, set);
        if (sched_setaffinity(0, size, set) == 0)
            near->cpus++;
        else if (errno != EINVAL)
            near->cpus_error = errno;
        CPU_FREE(set);
    }
}

/* In a process of its own, which stays where it was put. */
static void live_near(struct rts_near_findings near, int to_parent)
{
    signal(SIGALRM, SIG_DFL);
    alarm(CHILD_SECONDS_MAX);
    near.online = (unsigned)get_nprocs();
    find_cpus(&near);
    near.schedule = rts_near_go_first();
    near.disowned = rts_near_disown();
    _exit(write(to_parent, &near, sizeof near) != (ssize_t)sizeof near);
}

void rts_probe_near(struct rts_near_findings *near)
{
    struct rts_near_findings told;
    int ends[2];
    *near = (struct rts_near_findings){.switches = ask_switches()};
    if (pipe(ends) < 0)
        return;
    pid_t child = fork();
    if (child == 0)
        live_near(*near, ends[1]);
    close(ends[1]);
    if (child > 0) {
        ssize_t size;
        do {
            size = read(ends[0], &told, sizeof told);
        } while (size < 0 && errno == EINTR);
        if (size == (ssize_t)sizeof told) {
            *near = told;
            near->tried = true;
        }
        waitpid(child, NULL, 0);
    }
    close(ends[0]);
}
