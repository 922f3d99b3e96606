/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With whose rights a file is opened. What a target's files say about it is read as the target
 * itself could read it, not as root can: else a link of its making has a file that only root may
 * read leave in a fact.
 */
#ifndef RTS_BROKER_RIGHTS_H
#define RTS_BROKER_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>

/* Supplementary groups that are taken on; one who is in more can read less through us. */
#define RTS_RIGHTS_GROUPS_MAX 32

/* The id of nobody: what it may read, everybody may. It stands for a process that is gone. */
#define RTS_RIGHTS_NOBODY ((uint32_t)65534)

/* Plain values: they are sent to another process as they are. All zero: our own rights. */
struct rts_rights {
    uint32_t foreign;   /* 1: those below; 0: our own */
    uint32_t gone;      /* 1: the process is gone, and has none any more */
    int32_t pid;        /* of the process that they are of; 0: nobody's */
    uint32_t uid, gid;  /* file system ids, as our user namespace has them */
    uint32_t reads_all; /* it has CAP_DAC_READ_SEARCH or CAP_DAC_OVERRIDE, and is root here */
    uint32_t group_count;
    uint32_t groups[RTS_RIGHTS_GROUPS_MAX];
};

/* Fills *rights with those of process `pid`, as <proc_root>/PID/status has them. Returns 0, or -1
 * with errno when there is no such process; then *rights are those of nobody at all. */
int rts_rights_read(const char *proc_root, int32_t pid, struct rts_rights *rights);

/* Takes them on for the calling thread: ids and groups. rts_rights_give_back() undoes it but for
 * the groups: only root may change them, and needs none. Returns 0; 1 when we are not permitted
 * to: then the caller must see to it that everybody may read what is opened. */
int rts_rights_take(const struct rts_rights *rights);
void rts_rights_give_back(const struct rts_rights *rights);

#endif
