/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/self_seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sealing/capabilities.h"

static void append_set(char *text, size_t room, uint64_t set)
{
    if (set == 0)
        strncat(text, " none", room - strlen(text) - 1);
    for (unsigned number = 0; number < 64; number++)
        if (set & 1ULL << number) {
            size_t used = strlen(text);
            const char *word = rts_capability_word(number);
            if (word)
                snprintf(text + used, room - used, " %s", word);
            else
                snprintf(text + used, room - used, " %u", number);
        }
}

/* What it has beyond what was meant, as a cause; NULL: nothing. */
static const char *weakness(const struct rts_self_findings *findings,
                            const struct rts_seal_findings *kind, const char **because)
{
    uint64_t has = kind->permitted | kind->effective | kind->inheritable | kind->ambient;
    bool filtered = kind->seccomp == 2 && kind->sealed.filter == 0;
    *because = "the kernel did not let them be dropped";
    if (has & ~kind->allowed || (findings->may_bound && kind->bounding & ~kind->allowed))
        return "capabilities";
    *because = "the kernel does not know no_new_privs, or refuses it";
    if (kind->no_new_privileges != 1)
        return "no_new_privileges";
    *because = "the limit on cores, or being dumpable, could not be changed";
    if (kind->dumpable != 0 || kind->core_limit != 0)
        return "core";
    *because = kind->sealed.filter == ENOTSUP
                   ? "this rtsample was built without libseccomp"
                   : "the kernel, or a filter around us, takes no further filter";
    return filtered ? NULL : "no_filter";
}

static void judge(const struct rts_self_findings *findings, enum rts_seal_kind number,
                  struct rts_report *report, const char *key)
{
    const struct rts_seal_findings *kind = &findings->kinds[number];
    const char *because, *cause = weakness(findings, kind, &because);
    char text[sizeof((struct rts_check *)0)->found] = "";
    if (kind->number != 0) {
        struct rts_check *check = rts_report_add(report, key, RTS_CHECK_UNKNOWN, "untried");
        rts_check_found(check, "no child of this kind could be checked: %s",
                        strerror(kind->number));
        return;
    }
    struct rts_check *check =
        rts_report_add(report, key, cause ? RTS_CHECK_LIMITED : RTS_CHECK_WORKS, cause);
    append_set(text, sizeof text, kind->permitted);
    if (kind->permitted & ~kind->effective) { /* but for moments */
        strncat(text, "; at rest:", sizeof text - strlen(text) - 1);
        append_set(text, sizeof text, kind->permitted & ~kind->effective);
    }
    rts_check_found(check, "capabilities:%s; no_new_privs: %d; dumpable: %d; core: %s; seccomp: %d",
                    text, kind->no_new_privileges, kind->dumpable,
                    kind->core_limit == 0 ? "0" : "possible", kind->seccomp);
    if (!cause)
        return;
    rts_check_because(check, "%s", because);
    rts_check_lost(check, "part of what limits somebody who takes over this process");
    if (kind->sealed.filter == ENOTSUP)
        rts_check_fix(check, "build rtsample with libseccomp (Debian: libseccomp-dev)");
}

void rts_judge_self_seal(const struct rts_self_findings *findings, struct rts_report *report)
{
    static const char *const keys[RTS_SEAL_KINDS] = {
        [RTS_SEAL_MAIN] = "sealed.main",
        [RTS_SEAL_TRACER] = "sealed.tracer",
        [RTS_SEAL_BROKER] = "sealed.broker",
        [RTS_SEAL_KEEPER] = "sealed.keeper",
        [RTS_SEAL_MEMORY_READER] = "sealed.memory_reader",
        [RTS_SEAL_NEAR_READER] = "sealed.near_reader",
        [RTS_SEAL_DELIVERY] = "sealed.delivery",
        [RTS_SEAL_PACKER] = "sealed.packer",
        [RTS_SEAL_RPM_STARTER] = "sealed.rpm_starter",
        [RTS_SEAL_RPM_READER] = "sealed.rpm_reader",
        [RTS_SEAL_REPLAY] = "sealed.replay",
        [RTS_SEAL_SEND] = "sealed.send",
    };
    unsigned limited = 0, unknown = 0;
    *report = (struct rts_report){.where = findings->host.where, .user = findings->user};
    snprintf(report->kernel, sizeof report->kernel, "%s", findings->host.release);
    snprintf(report->subject, sizeof report->subject, "what rtsample keeps for itself");
    for (unsigned kind = 0; kind < RTS_SEAL_KINDS; kind++) {
        judge(findings, (enum rts_seal_kind)kind, report, keys[kind]);
        limited += report->checks[report->count - 1].state == RTS_CHECK_LIMITED;
        unknown += report->checks[report->count - 1].state == RTS_CHECK_UNKNOWN;
    }
    report->status = unknown > 0 ? RTS_FAILED : 0;
    snprintf(report->verdict, sizeof report->verdict, "%s",
             unknown > 0 ? "Not all of it could be checked."
             : limited > 0
                 ? "Some of its processes and threads keep more than they should."
                 : "Each of its processes and threads keeps what is listed here, and no more.");
}
