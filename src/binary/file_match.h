/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a file that was found is the one that a trace means. */
#ifndef RTS_BINARY_FILE_MATCH_H
#define RTS_BINARY_FILE_MATCH_H

#include "binary/object.h"

/* What a trace says of a file. */
struct rts_wanted_file {
    const char *path; /* as the process had it; "[vdso]" for the vDSO; "": not known */
    struct rts_build_id build_id;
    const char *sha256; /* of the whole file; NULL: unknown */
    bool has_identity;  /* device and inode are known */
    uint32_t major, minor;
    uint64_t inode;
    bool by_path;          /* with neither of both, what the user points at may be taken by its
                              path, when it is */
    uint64_t offset, size; /* mapped like this; bytes */
};

enum rts_file_outcome {
    RTS_FILE_MISSING,
    RTS_FILE_DIFFERENT,
    RTS_FILE_UNREADABLE, /* an ELF file of another class or machine, or a damaged one */
    RTS_FILE_UNKNOWN,
    RTS_FILE_SEVERAL, /* files of this name, by which it cannot be told */
    RTS_FILE_UNLIKE,  /* what was to be taken by its path */
    RTS_FILE_FOUND,
    RTS_FILE_BY_PATH,
};

static inline bool rts_file_is_there(enum rts_file_outcome outcome)
{
    return outcome == RTS_FILE_FOUND || outcome == RTS_FILE_BY_PATH;
}

/* Has the open file the recorded device and inode? */
bool rts_file_same_inode(int fd, const struct rts_wanted_file *wanted);

/* Is this the recorded file? */
enum rts_file_outcome rts_file_check(struct rts_object *object,
                                     const struct rts_wanted_file *wanted, bool is_same_inode);

/* May it be taken for the recorded one because the user points at it? Marks it then. */
enum rts_file_outcome rts_file_check_by_path(struct rts_object *object,
                                             const struct rts_wanted_file *wanted);

#endif
