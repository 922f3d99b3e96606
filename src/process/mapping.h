/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executable mappings of one process over time. A mapping is valid from when it was made until
 * something else took its place; samples are looked up with their own time, so a sample that is
 * read late still finds what was mapped when it was taken.
 */
#ifndef RTS_PROCESS_MAPPING_H
#define RTS_PROCESS_MAPPING_H

#include "types.h"

/* Where a file is seen: a root directory, as a mount namespace shows it. All zero: our own root.
 * Compared as bytes: no padding. */
struct rts_file_view {
    uint64_t device, inode, namespace;
};

/* What a mapped file is, as the kernel tells it, shared by all mappings of it (also across forks).
 * Whoever resolves it keeps the outcome here. */
struct rts_mapped_file {
    char *path;        /* as the kernel has it, inside the target's mount namespace */
    char *module;      /* its name (module_name.h); NULL: none */
    bool has_identity; /* major, minor, inode are valid */
    uint32_t major, minor;
    uint64_t inode;
    struct rts_build_id build_id; /* as the kernel read it when mapping; size 0 if it did not */
    unsigned references;
    struct rts_mapped_file *of; /* this is the file as one view shows it that is not ours, and `of`
                                   is what it is for everybody; NULL: it is that itself */
    struct rts_file_view view;
    bool
        divided; /* there are such, and each says of its own view only what `object` says of ours */
    bool seen;   /* it was asked for since the last trim */
    uint64_t idle_since; /* the trim that found it without one; 0: none did */

    int64_t modified_ns; /* wall time when the content of what was opened was changed last; 0: it
                            is not known, or by another machine's clock */
    uint64_t from_ns;    /* the same by the clock of mappings: what ran earlier was another */
    uint64_t until_ns;   /* when it was overwritten: others have another entry from then on */
    uint64_t checked_ns; /* it was not yet, then */
    bool outdated;       /* it was; until_ns is valid */
    bool copied;         /* the object is of another file with the same content */
    bool in_memory;      /* it was read from a copy, which stays as it is */
    bool resolved;       /* opening was tried, with this outcome: */
    uint8_t *attempts;   /* failed ones, for each owner (RTS_OWNERS_MAX) of processes; NULL: none.
                            Another process may show the file that this one does not */
    uint64_t tried_instance;   /* through which process the last attempt went */
    unsigned owner;            /* of a process that maps it, root's before others': whose its bytes
                                  are when they are listed */
    bool owned;                /* that was found out */
    struct rts_object *object; /* NULL: failed, or not an ELF file */
    struct rts_object *bare; /* stands for it where only its build-id is known; NULL: not needed */
    bool no_elf;             /* it was opened and is not ELF: code that somebody generated */
};

enum rts_mapping_kind {
    RTS_MAPPING_FILE,
    RTS_MAPPING_ANONYMOUS, /* no file: JIT code, trampolines */
    RTS_MAPPING_VDSO,
    RTS_MAPPING_VSYSCALL, /* the kernel's page at a fixed address: nothing to read */
};

/* What is mapped, by the path that the kernel gives it. */
enum rts_mapping_kind rts_mapping_kind_of(const char *path, bool has_inode);

struct rts_mapping {
    uint64_t start, end;        /* addresses in the target */
    uint64_t offset;            /* in the file, bytes */
    uint64_t from_ns, until_ns; /* valid for from <= time < until */
    enum rts_mapping_kind kind;
    struct rts_mapped_file *file; /* one reference is held; NULL unless RTS_MAPPING_FILE */

    bool searched;      /* the session has looked whether a file's text belongs here, and */
    uint32_t text_copy; /* has kept where, under this id (text_copy.h); 0: none does */

    bool placed;   /* bias and load_base were computed */
    uint64_t bias; /* pc - vaddr */
    uint64_t load_base;
};

struct rts_mapping_set {
    struct rts_mapping *items; /* sorted by start; no two valid at the same time overlap */
    size_t count, capacity;
    uint64_t longest;  /* bytes: no item is longer, so none that starts further before an address
                          reaches it */
    unsigned *sharers; /* how many sets have these very items, on the heap; NULL: this one alone */
};

typedef void (*rts_mapped_file_release)(void *context, struct rts_mapped_file *file);
typedef void (*rts_mapped_file_retain)(void *context, struct rts_mapped_file *file);

/* Makes the empty `set` the same as `of`: a child has what its parent has, and most children change
 * nothing before they end. The items are one set's own again as soon as one of the functions below
 * changes it; what is found out about an item (where it is placed) is found out for all. */
void rts_mapping_set_share(struct rts_mapping_set *set, struct rts_mapping_set *of);

/* Ends the sharing, if there is one: `set` has items of its own, each with a reference to its file
 * that `retain` adds. */
void rts_mapping_set_own(struct rts_mapping_set *set, rts_mapped_file_retain retain, void *context);

/* The memory that the set takes, in bytes: of what is shared, its part. */
size_t rts_mapping_set_bytes(const struct rts_mapping_set *set);

/* Releases one reference of every file through `release`, unless others share them, and frees the
 * set. */
void rts_mapping_set_finish(struct rts_mapping_set *set, rts_mapped_file_release release,
                            void *context);

/* Adds a mapping valid from mapping->from_ns on (its until_ns is ignored), taking over the caller's
 * reference to its file. What it overlaps ends at that time; what sticks out on either side goes
 * on. `retain` adds a reference for a part that is split off. Adding in the order of addresses is
 * cheap; elsewhere it costs what lies behind. */
void rts_mapping_set_add(struct rts_mapping_set *set, const struct rts_mapping *mapping,
                         rts_mapped_file_retain retain, void *context);

/* Is the very same thing (addresses, kind, file, offset) valid at mapping->from_ns and from then
 * on? Then adding it would change nothing. */
bool rts_mapping_set_has(const struct rts_mapping_set *set, const struct rts_mapping *mapping);

/* The mapping that covers `pc` at `time`, or NULL. Valid until the set changes. */
struct rts_mapping *rts_mapping_set_find(const struct rts_mapping_set *set, uint64_t pc,
                                         uint64_t time);

/* Drops mappings that ended at or before `time`, unless others share them: then these are where
 * they are. */
void rts_mapping_set_forget(struct rts_mapping_set *set, uint64_t time,
                            rts_mapped_file_release release, void *context);

/* Drops all that are RTS_MAPPING_ANONYMOUS; those have no file to release. The set must not be
 * shared. */
void rts_mapping_set_forget_anonymous(struct rts_mapping_set *set);

#endif
