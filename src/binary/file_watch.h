/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an open file still has the content that it had when it was opened: what is read of it
 * late, such as names, must be of what was mapped, and somebody may have written over it.
 *
 * The times of its last change tell, which nobody can set back both: that of the content, and that
 * of any kind. The latter alone changes too when the file is renamed or deleted, as package
 * managers do with the one they replace; and while the last change is younger than the grain of the
 * times, another one may leave them as they are. Then the content itself is compared with what was
 * there at first: its ends where a build-id stands for it, or where it is large, else all of it.
 *
 * A write through a mapping of the file that was written through before is not noticed until the
 * kernel writes it back.
 */
#ifndef RTS_BINARY_FILE_WATCH_H
#define RTS_BINARY_FILE_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "util/error.h"

/* Larger files are not compared as a whole, which takes milliseconds each time. */
#define RTS_FILE_WATCH_WHOLE_MAX (4u << 20)

/* What fstat(2) tells of a content. */
struct rts_file_stamp {
    uint64_t device, inode, size;
    int64_t modified_ns, changed_ns; /* wall time: of the content, and of anything */
};

void rts_file_stamp_take(struct rts_file_stamp *stamp, const struct stat *status);

struct rts_file_watch;

/* Begins with what is there now. `fd` is borrowed: it must be open as long as the watch is used. */
struct rts_file_watch *rts_file_watch_create(int fd, struct rts_error *error);
void rts_file_watch_destroy(struct rts_file_watch *watch);

/* Has it compared as a whole if it is no larger than RTS_FILE_WATCH_WHOLE_MAX: nothing in it
 * changes whenever the content does, as a build-id would. */
void rts_file_watch_whole(struct rts_file_watch *watch);

/* Whether the times of the content, and its size, are those of the beginning. One call of the
 * system, to be made after every read. */
bool rts_file_watch_has_same_time(struct rts_file_watch *watch);

/* Whether what was read until now is the content of the beginning, as far as that can be told: to
 * be asked before what was read is believed. After one of these two questions was answered with no,
 * each is again. */
bool rts_file_watch_is_intact(struct rts_file_watch *watch);

/* When the content was changed last, as of the last of these questions, or as it was opened: by its
 * time, or, where that was set back, by that of the last change of anything. */
int64_t rts_file_watch_modified_ns(const struct rts_file_watch *watch);

/* Whether the times of this file are of this machine's clock, and not of a server's. */
bool rts_file_has_own_times(int fd);

/* Whether one of them was answered with no. */
bool rts_file_watch_has_changed(const struct rts_file_watch *watch);

/* The SHA-256 of the content of the beginning; NULL if it is not compared as a whole. */
const uint8_t *rts_file_watch_digest(const struct rts_file_watch *watch);

/* As it was at the beginning; `changed_ns` follows what was compared since. */
const struct rts_file_stamp *rts_file_watch_stamp(const struct rts_file_watch *watch);

#endif
