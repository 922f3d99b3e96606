/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the files of a trace, on a machine that may not be the one where it was recorded. A file
 * is looked for, in this order, at
 *
 *     ~/.debug/.build-id/XX/YYYY/elf      where perf keeps copies
 *     /usr/lib/debug/.build-id/XX/YYYY    and
 *     /usr/lib/.build-id/XX/YYYY          which distributions provide
 *     DIR/.build-id/XX/YYYY               and the two above below DIR (--symfs)
 *     DIR/PATH
 *     DIR/NAME                            where NAME is what PATH ends with
 *     PATH                                as it was recorded
 *
 * and one whose path was not recorded (in a bundle), after the folders of build-ids, among all ELF
 * files below DIR and where programs and libraries lie on this machine (file_index.h),
 *
 * and taken only if it is the recorded one: its build-id must be the same. Without a known build-id
 * its SHA-256 must be, or, where it lies at its recorded path, its device and inode.
 *
 * A trace that has no build-ids at all may allow less (`by_path`): what lies below DIR at PATH or
 * NAME, or is the only one called NAME anywhere below DIR, is taken when its segments are mapped as
 * the recorded file was. Its object is marked.
 */
#ifndef RTS_BINARY_FILE_SEARCH_H
#define RTS_BINARY_FILE_SEARCH_H

#include "binary/file_match.h"
#include "binary/object_cache.h"

struct rts_file_counts {
    uint64_t found;
    uint64_t by_path;   /* taken by their paths; not among those found */
    uint64_t missing;   /* nothing lies at any of the places */
    uint64_t different; /* another file lies there */
    uint64_t unknown;   /* the trace does not say enough to tell */
};

/* Where files are looked for; the order of the words of Replay:Search. */
enum rts_search_places {
    RTS_SEARCH_SYSTEM, /* at all of the places above */
    RTS_SEARCH_PATHS,  /* but not among all files where programs and libraries lie */
    RTS_SEARCH_SYMFS,  /* below DIR only: what else this machine has makes no difference */
};

struct rts_file_search;

/* `symfs` may be NULL; the cache is borrowed. */
struct rts_file_search *rts_file_search_create(struct rts_object_cache *objects, const char *symfs,
                                               enum rts_search_places places,
                                               struct rts_error *error);
void rts_file_search_destroy(struct rts_file_search *search);

/* The object of this file, with a reference of the cache's, or NULL; each file is counted once, and
 * the first ones without an object are named on stderr, with the reason. `os_release`: of the
 * kernel that ran, by which our own vDSO is known to be the recorded one where the trace has no
 * build-id for it; NULL: unknown. *no_elf is set when the recorded file is there and is not an ELF
 * file. */
struct rts_object *rts_file_search_find(struct rts_file_search *search,
                                        const struct rts_wanted_file *wanted,
                                        const char *os_release, bool *no_elf);

/* What became of all files so far. */
const struct rts_file_counts *rts_file_search_counts(const struct rts_file_search *search);

#endif
