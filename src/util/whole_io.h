/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing all that was asked for, however many calls and interrupting signals it takes.
 */
#ifndef RTS_UTIL_WHOLE_IO_H
#define RTS_UTIL_WHOLE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads `size` bytes from `offset` on. False when they are not all there, or with errno. */
bool rts_read_all_at(int fd, uint64_t offset, void *bytes, size_t size);

/* Writes all of it. False with errno: some of it may be there. */
bool rts_write_all(int fd, const void *bytes, size_t size);

#endif
