/* SPDX-License-Identifier: Apache-2.0 */
#include "sealing/kinds.h"

#include <linux/capability.h>
#include <stddef.h>

#define BIT(capability) (1ULL << (capability))

/* Headers of before Linux 5.8 and 5.9. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

/* Files of everybody. */
#define FILES (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH))

/* What looking into a process of somebody else takes: /proc/PID/maps, root, ns and fd (ptrace), and
 * the links in map_files (checkpoint_restore; before Linux 5.9 sys_admin). */
#define PEEK (BIT(CAP_SYS_PTRACE) | BIT(CAP_CHECKPOINT_RESTORE))

/* What procfs shows to the process's own user alone (fd, map_files, mem), and files of those that
 * have this capability themselves (broker/rights.h). */
#define SEARCH BIT(CAP_DAC_READ_SEARCH)

/* rtsample-rpm gets its database as nobody's, and becomes nobody in a root of its own: what it may
 * drop it inherits. */
#define RPM                                                                                        \
    (BIT(CAP_CHOWN) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SYS_CHROOT) |                    \
     BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_KILL))

/* As another user: what it opens is opened with that user's rights. */
#define BECOME (BIT(CAP_SETUID) | BIT(CAP_SETGID))

/* A command may have become somebody else when it is to end. Rings that are opened later may be
 * beyond the limit on locked memory. */
#define MAIN (BIT(CAP_PERFMON) | BIT(CAP_SYS_PTRACE) | BIT(CAP_KILL) | BIT(CAP_IPC_LOCK))

#define WRITES (RTS_CALLS_OPEN | RTS_CALLS_CHANGE)
#define READER (RTS_CALLS_OPEN | RTS_CALLS_BECOME | RTS_CALLS_MEMORY)

static const struct {
    const char *word;
    uint64_t capabilities;
    unsigned calls;
} kinds[RTS_SEAL_KINDS] = {
    /* What is a target's it asks the broker for. */
    [RTS_SEAL_MAIN] = {"main", MAIN,
                       RTS_CALLS_PERF | RTS_CALLS_OPEN_WRITE | RTS_CALLS_CHANGE | RTS_CALLS_FORK},
    /* Memory that it reads itself is that of processes of our own user. */
    [RTS_SEAL_TRACER] = {"tracer", BIT(CAP_SYS_PTRACE),
                         RTS_CALLS_OPEN | RTS_CALLS_TRACE | RTS_CALLS_MEMORY},
    [RTS_SEAL_BROKER] = {"broker", PEEK | BECOME | SEARCH, READER},
    /* What it starts is a broker, of its own user, or a near reader, which locks memory as nobody. */
    [RTS_SEAL_KEEPER] = {"keeper", PEEK | BECOME | SEARCH | BIT(CAP_SYS_NICE),
                         READER | RTS_CALLS_LOCAL | RTS_CALLS_FORK | RTS_CALLS_DISOWN},
    /* No more than the tracer has, which says on which CPU it runs. */
    [RTS_SEAL_MEMORY_READER] = {"memory_reader", BIT(CAP_SYS_PTRACE),
                                RTS_CALLS_OPEN | RTS_CALLS_MEMORY},
    /* What it reads from is open. To go before others takes sys_nice. */
    [RTS_SEAL_NEAR_READER] = {"near_reader", BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_NICE),
                              RTS_CALLS_MEMORY},
    /* The resolver loads libraries, and runs in threads of its own. */
    [RTS_SEAL_DELIVERY] = {"delivery", 0, WRITES | RTS_CALLS_NETWORK | RTS_CALLS_LOAD},
    [RTS_SEAL_PACKER] = {"packer", 0, WRITES | RTS_CALLS_LOAD},
    /* What it may call, rtsample-rpm inherits. */
    [RTS_SEAL_RPM_STARTER] = {"rpm_starter", RPM,
                              WRITES | RTS_CALLS_LOAD | RTS_CALLS_FORK | RTS_CALLS_EXECUTE |
                                  RTS_CALLS_IDS},
    [RTS_SEAL_RPM_READER] = {"rpm_reader", 0, WRITES | RTS_CALLS_LOAD},
    [RTS_SEAL_REPLAY] = {"replay", FILES, WRITES | RTS_CALLS_LOAD},
    [RTS_SEAL_SEND] = {"send", FILES, WRITES | RTS_CALLS_LOAD | RTS_CALLS_NETWORK},
};

static const struct {
    enum rts_seal_need need;
    uint64_t capabilities;
    unsigned calls;
} needs_add[] = {
    /* Whether a process may be traced is found out by the files of it. */
    {RTS_SEAL_NEED_PTRACE, BIT(CAP_SYS_PTRACE),
     RTS_CALLS_TRACE | RTS_CALLS_MEMORY | RTS_CALLS_OPEN},
    {RTS_SEAL_NEED_GROUP, 0, RTS_CALLS_OPEN},
    {RTS_SEAL_NEED_NOTIFY, 0, RTS_CALLS_LOCAL},
    {RTS_SEAL_NEED_FILES, FILES, 0},
};

const char *rts_seal_kind_word(enum rts_seal_kind kind)
{
    return kinds[kind].word;
}

uint64_t rts_seal_kind_capabilities(enum rts_seal_kind kind, unsigned needs, uint64_t permitted)
{
    uint64_t kept = kinds[kind].capabilities;
    for (size_t i = 0; i < sizeof needs_add / sizeof *needs_add; i++)
        kept |= needs & needs_add[i].need ? needs_add[i].capabilities : 0;
    if (kept & ~permitted & (BIT(CAP_PERFMON) | BIT(CAP_CHECKPOINT_RESTORE)))
        kept |= BIT(CAP_SYS_ADMIN);
    return kept & permitted;
}

uint64_t rts_seal_kind_at_rest(enum rts_seal_kind kind)
{
    return kind == RTS_SEAL_BROKER || kind == RTS_SEAL_KEEPER ? SEARCH : 0;
}

unsigned rts_seal_kind_calls(enum rts_seal_kind kind, unsigned needs)
{
    unsigned calls = RTS_CALLS_BASIC | kinds[kind].calls;
    for (size_t i = 0; i < sizeof needs_add / sizeof *needs_add; i++)
        calls |= needs & needs_add[i].need ? needs_add[i].calls : 0;
    return calls;
}
