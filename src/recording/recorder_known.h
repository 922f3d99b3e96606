/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trace says already, so that it is written once. Bounded: when a table is full all are
 * forgotten, and what is met again is written again, which a reader takes as the same.
 */
#ifndef RTS_RECORDING_RECORDER_KNOWN_H
#define RTS_RECORDING_RECORDER_KNOWN_H

#include "types.h"
#include "util/share.h"
#include "util/table.h"

/* Entries of each table, where nothing else bounds them. A mapping takes 64 bytes. */
#define RTS_KNOWN_MAX 65536

/* A mapping of a process instance that was hit. */
struct rts_known_mapping {
    uint64_t instance, start, end, from_ns;
    bool written;    /* its MMAP2 record */
    uint32_t serial; /* of the object that was found in it; 0: none yet */
    uint64_t code;   /* enum rts_note_code, once there is an object */
};

/* Zero-initialise. */
struct rts_known {
    struct rts_table mappings; /* struct rts_known_mapping */
    struct rts_table places, files, processes, threads, listed;
    struct rts_table file_packages, function_packages;
    struct rts_share *share; /* where all that is counted, and what bounds it; NULL: nothing does */
    size_t counted;
};

void rts_known_finish(struct rts_known *known);

/* Forgets everything but what is listed when a table is full, or half of the share is used up:
 * there may be two traces. To be called before a sample, never while one is being taken in. */
void rts_known_bound(struct rts_known *known);

/* The entry of this mapping, made if need be. Valid until rts_known_bound(). */
struct rts_known_mapping *rts_known_mapping(struct rts_known *known, uint64_t instance,
                                            uint64_t start, uint64_t end, uint64_t from_ns);

/* The number of the place where the object with this serial is mapped with this bias and load base,
 * from a file of this name (NULL: none); *is_new when it has just been given one. */
uint64_t rts_known_place(struct rts_known *known, uint32_t serial, uint64_t bias,
                         uint64_t load_base, const char *module, bool *is_new);

/* True when this is new, which it is not the next time: an object, a thread, a file in the list of
 * build-ids (of which there may be no more than RTS_KNOWN_MAX, or than an eighth of the share
 * holds). */
bool rts_known_file(struct rts_known *known, uint32_t serial);
bool rts_known_thread(struct rts_known *known, int32_t tid);
bool rts_known_listed(struct rts_known *known, const char *path);

/* Has anything been said of this process instance? */
bool rts_known_has_process(const struct rts_known *known, uint64_t instance);

/* True when these bytes are not what was last said of it. */
bool rts_known_process(struct rts_known *known, uint64_t instance, const void *bytes, size_t size);

/* Is this what was said of the package of a function? `digest` stands for the answer. */
enum rts_known_package {
    RTS_KNOWN_PACKAGE,
    RTS_NEW_PACKAGE_OF_FILE,     /* to be said of the whole file, of which nothing has been said */
    RTS_NEW_PACKAGE_OF_FUNCTION, /* to be said of the function */
};
enum rts_known_package rts_known_package(struct rts_known *known, uint32_t serial,
                                         const char *function, uint64_t digest);

#endif
