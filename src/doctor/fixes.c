/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/fixes.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define BIT(number) (1ULL << (number))

/* Newer than what refusal.h needs. */
#define CAPABILITY_CHECKPOINT_RESTORE 40

/* The capabilities that can be asked for here. */
static const struct {
    int number;
    const char *name; /* as containers have it */
} capability_names[] = {
    {RTS_CAPABILITY_PERFMON, "PERFMON"},
    {RTS_CAPABILITY_SYS_PTRACE, "SYS_PTRACE"},
    {RTS_CAPABILITY_SYS_ADMIN, "SYS_ADMIN"},
    {CAPABILITY_CHECKPOINT_RESTORE, "CHECKPOINT_RESTORE"},
};

/* Writes the names of the set, each after `prefix` and with `separator` between. */
static void list_capabilities(char *text, size_t room, uint64_t set, const char *prefix,
                              const char *separator, bool lower)
{
    size_t used = 0;
    *text = '\0';
    for (size_t i = 0; i < sizeof capability_names / sizeof *capability_names; i++) {
        if (!(set & BIT(capability_names[i].number)) || used >= room)
            continue;
        int length = snprintf(text + used, room - used, "%s%s%s", used ? separator : "", prefix,
                              capability_names[i].name);
        used += length > 0 ? (size_t)length : 0;
    }
    for (char *at = text; lower && *at; at++)
        *at = (char)tolower((unsigned char)*at);
}

/* The last one that setpriv before util-linux 2.37 has a name for: CAP_AUDIT_READ. */
#define NAMED_EARLY_MAX 37

static void list_for_setpriv(char *text, size_t room, uint64_t set)
{
    list_capabilities(text, room, set & (BIT(NAMED_EARLY_MAX + 1) - 1), "+", ",", true);
    size_t used = strlen(text);
    for (unsigned number = NAMED_EARLY_MAX + 1; number < 64; number++)
        if (set & BIT(number) && used < room) {
            int length = snprintf(text + used, room - used, "%s+cap_%u", used ? "," : "", number);
            used += length > 0 ? (size_t)length : 0;
        }
}

enum rts_obstacle rts_obstacle_find(const struct rts_findings *findings, uint64_t capabilities)
{
    const struct rts_standing *standing = &findings->standing;
    bool is_root = findings->self.user == 0;
    if (standing->own_user_namespace)
        return RTS_OBSTACLE_USER_NAMESPACE;
    if ((standing->effective & capabilities) == capabilities)
        return RTS_OBSTACLE_NONE;
    if ((standing->bounding & capabilities) != capabilities)
        return RTS_OBSTACLE_BOUNDING_SET;
    if (findings->self.no_new_privileges && !is_root)
        return RTS_OBSTACLE_NO_NEW_PRIVILEGES;
    return findings->program.is_nosuid && !is_root ? RTS_OBSTACLE_NOSUID : RTS_OBSTACLE_NONE;
}

const char *rts_obstacle_word(enum rts_obstacle obstacle)
{
    static const char *const words[] = {
        [RTS_OBSTACLE_NONE] = NULL,
        [RTS_OBSTACLE_USER_NAMESPACE] = "user_namespace",
        [RTS_OBSTACLE_BOUNDING_SET] = "bounding_set",
        [RTS_OBSTACLE_NO_NEW_PRIVILEGES] = "no_new_privileges",
        [RTS_OBSTACLE_NOSUID] = "nosuid",
    };
    return words[obstacle];
}

const char *rts_obstacle_reason(enum rts_obstacle obstacle)
{
    static const char *const reasons[] = {
        [RTS_OBSTACLE_NONE] = "nobody has granted them",
        [RTS_OBSTACLE_USER_NAMESPACE] =
            "this is a user namespace of its own: capabilities in it do not count for perf events, "
            "nor for processes outside of it",
        [RTS_OBSTACLE_BOUNDING_SET] =
            "they are not in the bounding set, so that no program started here can get them",
        [RTS_OBSTACLE_NO_NEW_PRIVILEGES] =
            "no_new_privs is set, so that those of the program's file do not count",
        [RTS_OBSTACLE_NOSUID] =
            "the program lies on a file system mounted nosuid, so that those of its file do not "
            "count",
    };
    return reasons[obstacle];
}

uint64_t rts_fix_monitoring(const struct rts_findings *findings)
{
    return findings->standing.knows_perfmon ? BIT(RTS_CAPABILITY_PERFMON)
                                            : BIT(RTS_CAPABILITY_SYS_ADMIN);
}

static const char *program_path(const struct rts_findings *findings)
{
    return *findings->program.path ? findings->program.path : "rtsample";
}

static void grant_on_host(struct rts_check *check, const struct rts_findings *findings,
                          uint64_t set, enum rts_obstacle obstacle)
{
    char file[128], plus[128], names[128];
    list_capabilities(file, sizeof file, set, "cap_", ",", true);
    list_for_setpriv(plus, sizeof plus, set);
    list_capabilities(names, sizeof names, set, "CAP_", " ", false);
    const char *path = program_path(findings);
    switch (obstacle) {
    case RTS_OBSTACLE_USER_NAMESPACE:
        rts_check_fix(check, "run it as root outside of the user namespace");
        return;
    case RTS_OBSTACLE_BOUNDING_SET:
        rts_check_fix(check,
                      "start it from where the bounding set has %s (CapabilityBoundingSet= "
                      "of its service, setpriv --bounding-set)",
                      names);
        return;
    case RTS_OBSTACLE_NO_NEW_PRIVILEGES:
        rts_check_fix(
            check,
            "start it without no_new_privs (NoNewPrivileges=no, no setpriv --no-new-privs)"
            " after: setcap %s+ep %s",
            file, path);
        rts_check_fix(check, "setpriv --reuid=%u --clear-groups --inh-caps=%s --ambient-caps=%s %s",
                      findings->self.user, plus, plus, path);
        return;
    case RTS_OBSTACLE_NOSUID:
        rts_check_fix(check, "cp %s /usr/local/bin/ && setcap %s+ep /usr/local/bin/rtsample", path,
                      file);
        return;
    case RTS_OBSTACLE_NONE: break;
    }
    if (findings->self.user != 0)
        rts_check_fix(check, "setcap %s+ep %s", file, path);
    else
        rts_check_fix(check, "start it with %s, which root has elsewhere and lacks here", names);
}

static void grant_in_container(struct rts_check *check, const struct rts_findings *findings,
                               uint64_t set, const char *runtime, bool in_user_namespace)
{
    char options[128];
    list_capabilities(options, sizeof options, set, "--cap-add ", " ", false);
    const char *user = findings->self.user != 0 ? "--user 0 " : "";
    if (!in_user_namespace)
        rts_check_fix(check, "%s run %s%s ...", runtime, user, options);
    else if (findings->host.where == RTS_WHERE_PODMAN)
        rts_check_fix(check, "sudo podman run --userns=host %s%s ...  (not rootless)", user,
                      options);
    else
        rts_check_fix(check, "%s run --userns=host %s%s ...", runtime, user, options);
}

static void grant_in_kubernetes(struct rts_check *check, const struct rts_findings *findings,
                                uint64_t set, bool in_user_namespace)
{
    char names[128];
    list_capabilities(names, sizeof names, set, "", ", ", false);
    rts_check_fix(check, "%ssecurityContext: {%scapabilities: {add: [%s]}}",
                  in_user_namespace ? "hostUsers: true, " : "",
                  findings->self.user != 0 ? "runAsUser: 0, " : "", names);
}

void rts_fix_capabilities(struct rts_check *check, const struct rts_findings *findings,
                          uint64_t capabilities)
{
    enum rts_obstacle obstacle = rts_obstacle_find(findings, capabilities);
    bool in_user_namespace = obstacle == RTS_OBSTACLE_USER_NAMESPACE;
    /* setcap replaces what was granted before. */
    uint64_t set = capabilities | (findings->standing.permitted &
                                   (rts_fix_monitoring(findings) | BIT(RTS_CAPABILITY_SYS_PTRACE)));
    char names[128];
    list_capabilities(names, sizeof names, set, "CAP_", " ", false);
    switch (findings->host.where) {
    case RTS_WHERE_HOST: grant_on_host(check, findings, set, obstacle); break;
    case RTS_WHERE_SERVICE:
        rts_check_fix(check,
                      "systemctl edit: [Service] AmbientCapabilities=%s CapabilityBoundingSet=%s",
                      names, names);
        break;
    case RTS_WHERE_DOCKER:
        grant_in_container(check, findings, set, "docker", in_user_namespace);
        break;
    case RTS_WHERE_PODMAN:
        grant_in_container(check, findings, set, "podman", in_user_namespace);
        break;
    case RTS_WHERE_KUBERNETES: grant_in_kubernetes(check, findings, set, in_user_namespace); break;
    case RTS_WHERE_CONTAINER:
        rts_check_fix(check, "start the container with %s%s", names,
                      in_user_namespace ? ", outside of a user namespace" : "");
    }
}

void rts_fix_sysctl(struct rts_check *check, const struct rts_findings *findings,
                    const char *assignment)
{
    bool on_host =
        findings->host.where == RTS_WHERE_HOST || findings->host.where == RTS_WHERE_SERVICE;
    rts_check_fix(check, "%ssysctl -w %s", on_host ? "" : "on the host: ", assignment);
}

void rts_fix_filter(struct rts_check *check, const struct rts_findings *findings,
                    const char *system_call)
{
    bool perf = strcmp(system_call, "perf_event_open") == 0;
    const char *capability = perf ? "PERFMON" : "SYS_PTRACE";
    switch (findings->host.where) {
    case RTS_WHERE_DOCKER:
    case RTS_WHERE_PODMAN:
        rts_check_fix(check, "%s run --security-opt seccomp=contrib/seccomp/rtsample.json ...",
                      rts_where_word(findings->host.where));
        rts_check_fix(check, "%s run --cap-add %s ...  (its own profile then allows %s)",
                      rts_where_word(findings->host.where), capability, system_call);
        break;
    case RTS_WHERE_KUBERNETES:
        rts_check_fix(check, "securityContext: {seccompProfile: {type: Localhost, "
                             "localhostProfile: rtsample.json}}  (contrib/seccomp/rtsample.json)");
        rts_check_fix(check,
                      "securityContext: {capabilities: {add: [%s]}}  (the runtime's own "
                      "profile then allows %s)",
                      capability, system_call);
        break;
    case RTS_WHERE_SERVICE:
        rts_check_fix(check, "systemctl edit: [Service] SystemCallFilter=%s", system_call);
        break;
    case RTS_WHERE_HOST:
    case RTS_WHERE_CONTAINER:
        rts_check_fix(check, "start it without the seccomp filter, or allow %s in it", system_call);
    }
}

void rts_fix_security_module(struct rts_check *check, const struct rts_findings *findings)
{
    rts_check_fix(check, "look for the denial in the audit log, and allow it in the policy of %s",
                  *findings->host.modules ? findings->host.modules : "the security module");
}

void rts_fix_limit(struct rts_check *check, const struct rts_findings *findings, char option,
                   const char *name, unsigned long long value)
{
    bool in_kib = option == 'l'; /* which ulimit counts in */
    switch (findings->host.where) {
    case RTS_WHERE_DOCKER:
    case RTS_WHERE_PODMAN:
        rts_check_fix(check, "%s run --ulimit %s=%llu ...", rts_where_word(findings->host.where),
                      name, value);
        break;
    case RTS_WHERE_SERVICE:
        rts_check_fix(check, "systemctl edit: [Service] Limit%s=%llu",
                      in_kib ? "MEMLOCK" : "NOFILE", value);
        break;
    case RTS_WHERE_KUBERNETES:
    case RTS_WHERE_CONTAINER:
        rts_check_fix(check, "raise the container runtime's limit %s to %llu", name, value);
        break;
    case RTS_WHERE_HOST:
        rts_check_fix(check, "ulimit -%c %llu", option, in_kib ? value / 1024 : value);
    }
}

void rts_fix_pid_namespace(struct rts_check *check, const struct rts_findings *findings)
{
    switch (findings->host.where) {
    case RTS_WHERE_DOCKER:
    case RTS_WHERE_PODMAN:
        rts_check_fix(check, "%s run --pid=host ...", rts_where_word(findings->host.where));
        rts_check_fix(check, "%s run --pid=container:NAME ...  (beside the target)",
                      rts_where_word(findings->host.where));
        break;
    case RTS_WHERE_KUBERNETES:
        rts_check_fix(check, "shareProcessNamespace: true  (a sidecar)");
        rts_check_fix(check, "hostPID: true  (a DaemonSet)");
        break;
    default: rts_check_fix(check, "nsenter --target PID --pid --mount rtsample ...");
    }
}
