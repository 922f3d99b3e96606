/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who there is among our processes and threads, and what each keeps once everything is open: which
 * capabilities, and which groups of system calls. One table has all of it: to tighten something is
 * to change its line there.
 */
#ifndef RTS_SEALING_KINDS_H
#define RTS_SEALING_KINDS_H

#include <stdbool.h>
#include <stdint.h>

enum rts_seal_kind {
    RTS_SEAL_MAIN,          /* of a run that samples */
    RTS_SEAL_TRACER,        /* the thread that stops others with ptrace */
    RTS_SEAL_BROKER,        /* reads files and /proc of targets in the place of others */
    RTS_SEAL_KEEPER,        /* starts brokers anew */
    RTS_SEAL_MEMORY_READER, /* a broker for the tracer: reads memory and /proc of targets */
    RTS_SEAL_NEAR_READER,   /* reads memory near samples */
    RTS_SEAL_DELIVERY,      /* the thread that sends facts */
    RTS_SEAL_PACKER,        /* the thread that packs bundles */
    RTS_SEAL_RPM_STARTER,   /* starts it */
    RTS_SEAL_RPM_READER,    /* rtsample-rpm */
    RTS_SEAL_REPLAY,
    RTS_SEAL_SEND,
    RTS_SEAL_KINDS,
};

/* What this very run needs beyond what its kind always does; a set. */
enum rts_seal_need {
    RTS_SEAL_NEED_PTRACE = 1 << 0, /* targets are traced */
    RTS_SEAL_NEED_NOTIFY = 1 << 1, /* the service manager is told how we are */
    RTS_SEAL_NEED_GROUP = 1 << 3,  /* what is in a control group is read from its files */
    RTS_SEAL_NEED_FILES = 1 << 2,  /* a file that was named is not reached without CAP_DAC_* */
};

/* Groups of system calls; a set. */
enum rts_seal_calls {
    RTS_CALLS_BASIC = 1 << 0,      /* memory, time, threads, what is open already */
    RTS_CALLS_OPEN = 1 << 1,       /* open any file, in any way */
    RTS_CALLS_OPEN_WRITE = 1 << 2, /* open files to write them, and folders; never to read */
    RTS_CALLS_CHANGE = 1 << 3,     /* rename, remove, make, lock */
    RTS_CALLS_LOAD = 1 << 4,       /* map code */
    RTS_CALLS_FORK = 1 << 5,       /* have children, wait for them, send signals */
    RTS_CALLS_EXECUTE = 1 << 6,
    RTS_CALLS_LOCAL = 1 << 7,   /* sockets of AF_UNIX */
    RTS_CALLS_NETWORK = 1 << 8, /* all sockets that a name server and a web server take */
    RTS_CALLS_PERF = 1 << 9,
    RTS_CALLS_TRACE = 1 << 10,  /* ptrace to stop and to read, never to write */
    RTS_CALLS_IDS = 1 << 11,    /* become somebody else, give files away, another root */
    RTS_CALLS_BECOME = 1 << 12, /* open files with somebody else's ids */
    RTS_CALLS_MEMORY = 1 << 13, /* read the memory of others */
    RTS_CALLS_DISOWN = 1 << 14, /* count against another user, with the rights that it has */
};

/* The word for it: "main", "tracer", ... Static. */
const char *rts_seal_kind_word(enum rts_seal_kind kind);

/* Which capabilities (bits) it keeps of those that it has, `permitted`: CAP_SYS_ADMIN stands in
 * where CAP_PERFMON or CAP_CHECKPOINT_RESTORE is wanted and not there. */
uint64_t rts_seal_kind_capabilities(enum rts_seal_kind kind, unsigned needs, uint64_t permitted);

/* Which of them it puts into effect by itself, for a moment, and has not otherwise. */
uint64_t rts_seal_kind_at_rest(enum rts_seal_kind kind);

/* Which groups of system calls (enum rts_seal_calls) it keeps. */
unsigned rts_seal_kind_calls(enum rts_seal_kind kind, unsigned needs);

#endif
