/* SPDX-License-Identifier: Apache-2.0 */
/* libarchive's functions, in a library that is loaded when there is an archive to read or to write
 * (util/library.h). Only where HAVE_LIBARCHIVE is defined. */
#ifndef RTS_UTIL_ARCHIVE_LIBRARY_H
#define RTS_UTIL_ARCHIVE_LIBRARY_H

#include <archive.h>
#include <archive_entry.h>

#include "util/error.h"

/* All that is called, without "archive_" before it. */
#define RTS_ARCHIVE_FUNCTIONS(X)                                                                   \
    X(error_string)                                                                                \
    X(set_error)                                                                                   \
    X(format)                                                                                      \
    X(read_new)                                                                                    \
    X(read_support_filter_all)                                                                     \
    X(read_support_filter_zstd)                                                                    \
    X(read_support_format_raw)                                                                     \
    X(read_support_format_tar)                                                                     \
    X(read_support_format_zip)                                                                     \
    X(read_open_fd)                                                                                \
    X(read_next_header)                                                                            \
    X(read_data)                                                                                   \
    X(read_free)                                                                                   \
    X(write_new)                                                                                   \
    X(write_set_format_ustar)                                                                      \
    X(write_set_format_zip)                                                                        \
    X(write_set_bytes_per_block)                                                                   \
    X(write_set_bytes_in_last_block)                                                               \
    X(write_set_options)                                                                           \
    X(write_open)                                                                                  \
    X(write_header)                                                                                \
    X(write_data)                                                                                  \
    X(write_close)                                                                                 \
    X(write_free)                                                                                  \
    X(entry_new)                                                                                   \
    X(entry_free)                                                                                  \
    X(entry_pathname)                                                                              \
    X(entry_filetype)                                                                              \
    X(entry_set_pathname)                                                                          \
    X(entry_set_filetype)                                                                          \
    X(entry_set_perm)                                                                              \
    X(entry_set_size)                                                                              \
    X(entry_set_mtime)

/* lib->read_new() is archive_read_new(), and so on. */
struct rts_archive_library {
    void *handle;
#define RTS_ARCHIVE_MEMBER(name) __typeof__(archive_##name) *name;
    RTS_ARCHIVE_FUNCTIONS(RTS_ARCHIVE_MEMBER)
#undef RTS_ARCHIVE_MEMBER
};

/* Loads libarchive; what was opened is to be closed once. On failure there is nothing to close. */
int rts_archive_library_open(struct rts_archive_library *lib, struct rts_error *error);

/* Can it be loaded? What is asked at the start of a run can be opened at its end, too. */
int rts_archive_library_check(struct rts_error *error);

/* The functions must not be called any more. Accepts what is all zero. */
void rts_archive_library_close(struct rts_archive_library *lib);

/* For a variable that is all zero or open: closes it at the end of the scope. */
#define RTS_ARCHIVE_LIBRARY __attribute__((cleanup(rts_archive_library_close)))

#endif
