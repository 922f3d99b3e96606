/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process table: which processes ran when, and what was mapped where. Fed by /proc at attach
 * and by the side-band records after; asked with the time of a sample. A reused pid and an exec
 * make a new instance; an instance's number is never used again.
 */
#ifndef RTS_PROCESS_PROCESS_H
#define RTS_PROCESS_PROCESS_H

#include "broker/proc.h"
#include "process/container.h"
#include "process/mapped_file.h"
#include "process/mapping.h"
#include "process/owner.h"
#include "process/socket.h"
#include "process/text_copy.h"
#include "util/share.h"

/* Views of files that are remembered of a process. */
#define RTS_PROCESS_VIEWS 4

struct rts_process {
    int32_t pid;
    int32_t view;       /* the thread under which /proc shows it: the first one, while that lives */
    uint64_t instance;  /* unique in this run, from 1 */
    uint64_t born_ns;   /* 0: before we looked */
    uint64_t died_ns;   /* UINT64_MAX: as far as we know it lives */
    bool leader_exited; /* its first thread has ended, or its events have; others may go on */
    bool unwatched;     /* its events have ended and it lives on, which was said */
    bool maps_known;    /* mappings were read from /proc or inherited from a known parent */
    uint64_t cpu_ms;    /* that it had used when it was attached */
    uint64_t start_ticks;   /* /proc/PID/stat: tells a reused pid; 0: not read yet */
    uint64_t sampled_ns;    /* its last sample; 0: it has had none */
    bool target;            /* it is to be sampled; see rts_process_table_select() */
    bool counted;           /* it was counted in the account */
    uint64_t read_again_ns; /* not before this is /proc/PID/maps read again */
    uint64_t read_wait_ns;  /* that was so long after the last reading; 0: none yet */
    uint32_t reported;      /* mappings that the kernel reported since all were forgotten */
    unsigned owner;         /* rts_process_owner() has it; until then a guess: that of its parent */
    bool owner_known;
    bool ours;    /* of a trace, which says so: see struct rts_fact_process */
    uint8_t near; /* is memory read near its samples? sampler/nearness.c has what these mean */
    uint8_t near_tries;                /* how often that was of no use */
    uint32_t near_seen;                /* samples, lately */
    uint32_t near_ends;                /* stacks among those that ended for want of memory */
    uint32_t near_helped;              /* and that did not, by what was read */
    uint32_t near_beyond;              /* bytes that are read beyond the copy of the stack */
    char name[17];                     /* comm */
    struct rts_container container;    /* its parent's, until the session looks */
    char socket[RTS_SOCKET_TEXT_SIZE]; /* where it listens; empty: not known */
    uint8_t socket_looks;              /* how often the session has looked for it */
    /* Where its files were found that our own root does not have, the last view first; all zero:
     * none. One that calls chroot(2) has two. */
    struct rts_file_view views[RTS_PROCESS_VIEWS];
    struct rts_mapping_set mappings;
    struct rts_text_copies copies;
    uint64_t search_again_ns, search_wait_ns; /* as above, for the neighbours of code */
    struct rts_process *older;                /* the instance that had this pid before */
};

struct rts_process_table;

/* `proc_root` is where proc is mounted ("/proc"); copied. NULL: there is none to look at, the
 * processes are those of a trace, and only what its records say is known of them. */
struct rts_process_table *rts_process_table_create(const char *proc_root);

/* `forget` is called for each object that a mapped file holds. Accepts NULL. */
void rts_process_table_destroy(struct rts_process_table *table,
                               void (*forget)(void *context, struct rts_object *object),
                               void *context);

/* From now on only what is marked as a target is one, with what descends from it; without this call
 * every process is. Of others the records tell nothing that is kept. Processes that are known
 * already stay what they are with `keep`, and else become no targets. */
void rts_process_table_select(struct rts_process_table *table, bool keep);

/* From now on the broker, which is borrowed, reads in our place, and what it has given up is
 * forgotten for it with each new instance. */
void rts_process_table_use_broker(struct rts_process_table *table, struct rts_broker *broker);

/* Where proc is mounted, as given to create(), and how it is read; owned by the table. .root is
 * NULL where there is none. */
const struct rts_proc *rts_process_table_proc(const struct rts_process_table *table);

/* Takes in a process that runs already: name and mappings from /proc, valid from time 0. Fails with
 * RTS_NOT_FOUND when there is none; when its maps may not be read, the process is there without
 * mappings and the error says what that means (result -1 and *process set). */
int rts_process_attach(struct rts_process_table *table, int32_t pid, struct rts_process **process,
                       struct rts_error *error);

/* What the side-band records tell. A process of which thousands of mappings were reported is made
 * to forget them all, since nobody reports what is unmapped; its maps are then no longer known. */
void rts_process_mapped(struct rts_process_table *table, int32_t pid, uint64_t time,
                        const struct rts_mapping *mapping, const struct rts_mapped_file *file);
void rts_process_renamed(struct rts_process_table *table, int32_t pid, uint64_t time,
                         const char *name, bool exec);
void rts_process_forked(struct rts_process_table *table, int32_t parent_pid, int32_t pid,
                        uint64_t time);
void rts_process_thread_exited(struct rts_process_table *table, int32_t pid, int32_t tid,
                               uint64_t time);

/* The instance that had this pid at that time; NULL when the pid is unknown. */
struct rts_process *rts_process_find(const struct rts_process_table *table, int32_t pid,
                                     uint64_t time);

/* Does this process, of which nothing is known, descend from a target that lives, by what /proc
 * tells? */
bool rts_process_descends(const struct rts_process_table *table, int32_t pid);

/* Whose it is (process/owner.h): read once per instance, when it is asked for. Of a trace all are
 * root's, for nobody else is there. */
unsigned rts_process_owner(struct rts_process_table *table, struct rts_process *process);

/* Is it root's, or of who runs us, and in no container? Of a trace that is what the trace says. */
bool rts_process_is_ours(const struct rts_process_table *table, const struct rts_process *process);

/* Who the owners are; owned by the table. */
const struct rts_owners *rts_process_table_owners(const struct rts_process_table *table);

/* Reads the maps again after a gap (lost records, a process first heard of by its sample) and adds
 * what is not known yet: valid from time 0 on, or from `now` on (above 0) where something else was
 * known. At most once in 100 ms per process, and down to once in 3.2 s while nothing is ever new.
 * Returns true when something was added. */
bool rts_process_refresh(struct rts_process_table *table, struct rts_process *process,
                         uint64_t now);

/* The newest instances of all pids, one after the other; *position is 0 before the first. NULL: no
 * more. */
struct rts_process *rts_process_table_next(const struct rts_process_table *table, size_t *position);

/* The instance with this number; NULL when it was reaped. */
struct rts_process *rts_process_instance(const struct rts_process_table *table, uint64_t instance);

/* Makes the instance with this number, if there is none, without a word of who had its pid before:
 * for traces that number the instances themselves. */
struct rts_process *rts_process_recorded(struct rts_process_table *table, uint64_t instance);

/* The same mapping of the process, in a set that it shares with nobody: before something is kept in
 * it that is true of this process only. */
struct rts_mapping *rts_process_own_mapping(struct rts_process *process,
                                            const struct rts_mapping *mapping);

/* Keeps that what is mapped at `mapping` takes the place of a file's text; see
 * rts_text_copies_add(). */
struct rts_text_copy *rts_process_add_text_copy(struct rts_process *process,
                                                struct rts_mapping *mapping,
                                                const struct rts_text_copy *place);

/* How many known targets are still alive; looks at /proc for those whose first thread ended, or
 * for all when `thorough` (an EXIT record may have been lost). */
size_t rts_process_table_alive(struct rts_process_table *table, uint64_t now, bool thorough);

/* The entry for the file of a mapping of the process as the process sees it: that of everybody, or
 * of one of its views. */
struct rts_mapped_file *rts_process_table_seen(struct rts_process_table *table,
                                               const struct rts_process *process,
                                               struct rts_mapped_file *file);

/* The process sees `file` in `view`, and everybody who does: returns the entry for that. */
struct rts_mapped_file *rts_process_table_divide(struct rts_process_table *table,
                                                 struct rts_process *process,
                                                 struct rts_mapped_file *file,
                                                 const struct rts_file_view *view);

/* Gives `mapping` another entry for its file, whose own is outdated. */
void rts_process_table_renew_file(struct rts_process_table *table, struct rts_mapping *mapping);

/* The memory that it takes, in bytes, mapped files included, their objects not. */
size_t rts_process_table_bytes(const struct rts_process_table *table);

/* Whose files that no process has mapped any more were let go of. */
const struct rts_ledger *rts_process_table_idle_files(const struct rts_process_table *table);

/* Readings of maps of this owner's that were put off, or not made to the end, since others need the
 * time. */
uint64_t rts_process_table_put_off(const struct rts_process_table *table, unsigned owner);

/* Puts the bytes of all processes into the ledger, by their owners, and those of mapped files. */
void rts_process_table_list(struct rts_process_table *table, struct rts_ledger *ledger);

/* Forgets what is mapped in living processes of those who are to lose something, those first whose
 * last sample is longest ago; a sample of one makes it be read again. Each is counted in `share`.
 * Nothing of a trace is forgotten, which is not read again. No sample may be under way. */
void rts_process_table_shed(struct rts_process_table *table, struct rts_losses *losses,
                            struct rts_share *share);

/* Bytes of mappings that children have had of their own since this was asked last: what they share
 * with their parent takes nothing. */
size_t rts_process_table_copied(struct rts_process_table *table);

/* Frees instances that ended before `horizon`, and mappings and files that nothing needs, or whose
 * object its owner does not want any more. */
void rts_process_table_reap(struct rts_process_table *table, uint64_t horizon,
                            const struct rts_object_owner *owner);

#endif
