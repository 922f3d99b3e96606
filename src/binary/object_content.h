/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of an object that say something about it beside its code. */
#ifndef RTS_BINARY_OBJECT_CONTENT_H
#define RTS_BINARY_OBJECT_CONTENT_H

#include "binary/object.h"

/* The file, owned by the object; -1 for an image in memory. Only for fstat() and pread(). */
int rts_object_fd(const struct rts_object *object);

/* The content of a section in new memory that the caller frees, with a NUL byte added behind; NULL
 * when there is none or more than `limit`. */
void *rts_object_section_load(const struct rts_object *object, const char *name, uint64_t limit,
                              size_t *size);

/* The same of `size` bytes at a link-time address of data or code. */
void *rts_object_data_load(const struct rts_object *object, uint64_t vaddr, uint64_t size,
                           uint64_t limit);

#endif
