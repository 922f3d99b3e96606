/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/advice.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"

#define CAPABILITY_SYS_ADMIN 21
#define CAPABILITY_PERFMON   38

static int paranoid_level(void)
{
    RTS_FCLOSE FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
    int level;
    return file && fscanf(file, "%d", &level) == 1 ? level : -2;
}

/* A field of /proc/self/status as a number, or `otherwise`. */
static unsigned long long own_status(const char *field, int base, unsigned long long otherwise)
{
    RTS_FCLOSE FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0)
            return strtoull(line + strlen(field), NULL, base);
    return otherwise;
}

int rts_capture_refused(int number, int32_t pid, struct rts_error *error)
{
    char target[48] = "all processes (-a)";
    if (pid >= 0)
        snprintf(target, sizeof target, "process %d", (int)pid);
    if (number == ENOSYS)
        return rts_fail(error, RTS_NOT_PERMITTED,
                        "cannot sample %s: this system has no perf_event_open: a kernel without "
                        "CONFIG_PERF_EVENTS, or a seccomp profile that hides it",
                        target);
    if (number != EACCES && number != EPERM)
        return rts_fail_errno(error, number, "cannot sample %s: perf_event_open", target);

    unsigned long long capabilities = own_status("CapEff:", 16, 0);
    bool perfmon = capabilities & (1ULL << CAPABILITY_PERFMON | 1ULL << CAPABILITY_SYS_ADMIN);
    int paranoid = paranoid_level();
    if (perfmon && own_status("Seccomp:", 10, 0) == 2)
        return rts_fail(error, RTS_NOT_PERMITTED,
                        "cannot sample %s: %s although the capability is there: the container's "
                        "seccomp profile refuses perf_event_open; allow that system call "
                        "(older runtimes tie it to CAP_SYS_ADMIN)",
                        target, strerror(number));
    if (perfmon)
        return rts_fail(error, RTS_NOT_PERMITTED,
                        "cannot sample %s: %s although the capability is there: a security module "
                        "(SELinux, AppArmor, lockdown) may refuse it",
                        target, strerror(number));
    if (pid < 0)
        return rts_fail(error, RTS_NOT_PERMITTED,
                        "cannot sample %s: %s; grant CAP_PERFMON (CAP_SYS_ADMIN before Linux "
                        "5.8), run as root, or set kernel.perf_event_paranoid to 0 (now %d)",
                        target, strerror(number), paranoid);
    if (paranoid > 2)
        return rts_fail(error, RTS_NOT_PERMITTED,
                        "cannot sample %s: %s; kernel.perf_event_paranoid is %d: set it to 2 for "
                        "own processes, or grant CAP_PERFMON, or run as root",
                        target, strerror(number), paranoid);
    return rts_fail(error, RTS_NOT_PERMITTED,
                    "cannot sample %s: %s; it belongs to another user or is not dumpable: grant "
                    "CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8; CAP_SYS_PTRACE as well to read "
                    "its files), or run as root",
                    target, strerror(number));
}
