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
#include <sys/types.h>

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

/* Fills *rights, but for .pid, from the text of /proc/PID/status. False when that does not say all
 * of it: then *rights are those of nobody at all. */
bool rts_rights_parse(const char *status, struct rts_rights *rights);

/* The same of process `pid`, as <proc_root>/PID/status has them. Returns 0, or -1 with errno when
 * there is no such process. */
int rts_rights_read(const char *proc_root, int32_t pid, struct rts_rights *rights);

/* Groups of our own that are given back; who has more takes on nobody's rights. */
#define RTS_RIGHTS_OWN_GROUPS_MAX 256

/* What the calling thread had before; zero-initialised, or as a function below left it. */
struct rts_rights_before {
    bool ids, capabilities; /* which of them were changed */
    int group_count;
    gid_t groups[RTS_RIGHTS_OWN_GROUPS_MAX];
    uint32_t effective; /* the first 32 capabilities */
};

/* Takes them on for the calling thread: ids, groups, and the capabilities that pass by permissions
 * of files, which are in effect for a target only that is root and has them itself. Returns 0; 1
 * when we are not permitted to: then who opens must see to it that everybody may read what is
 * opened. rts_rights_give_back() undoes it in either case. */
int rts_rights_take(const struct rts_rights *rights, struct rts_rights_before *before);

/* Has CAP_DAC_READ_SEARCH in effect, where we have it: for what procfs shows to the process's own
 * user only. Never with a path that leads into files of a target. */
void rts_rights_search(struct rts_rights_before *before);

/* Gives back what was taken on. */
void rts_rights_give_back(struct rts_rights_before *before);

#endif
