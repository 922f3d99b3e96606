/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/file_match.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "binary/build_id.h"

/* perf's tables of build-ids have room for so many bytes; shorter than the other are none that
 * linkers make. */
#define TABLE_BUILD_ID_SIZE 20
#define PADDED_BUILD_ID_MIN 8

bool rts_file_same_inode(int fd, const struct rts_wanted_file *wanted)
{
    struct stat status;
    return wanted->has_identity && wanted->inode != 0 && fstat(fd, &status) == 0 &&
           status.st_ino == wanted->inode && status.st_dev == makedev(wanted->major, wanted->minor);
}

/* Tables of build-ids of old have 20 bytes for each, and zeros behind a shorter one. */
static bool same_but_for_zeros(const struct rts_build_id *recorded, const struct rts_build_id *own)
{
    static const uint8_t zeros[RTS_BUILD_ID_MAX];
    return recorded->size == TABLE_BUILD_ID_SIZE && own->size >= PADDED_BUILD_ID_MIN &&
           own->size < recorded->size && memcmp(recorded->bytes, own->bytes, own->size) == 0 &&
           memcmp(recorded->bytes + own->size, zeros, (size_t)recorded->size - own->size) == 0;
}

static bool same_build_id(const struct rts_build_id *recorded, const struct rts_build_id *own)
{
    return rts_build_id_same(recorded, own) || same_but_for_zeros(recorded, own);
}

enum rts_file_outcome rts_file_check(struct rts_object *object,
                                     const struct rts_wanted_file *wanted, bool is_same_inode)
{
    if (wanted->build_id.size > 0)
        return same_build_id(&wanted->build_id, rts_object_build_id(object)) ? RTS_FILE_FOUND
                                                                             : RTS_FILE_DIFFERENT;
    if (wanted->sha256) {
        const char *own = rts_object_file_sha256(object);
        return own && strcmp(own, wanted->sha256) == 0 ? RTS_FILE_FOUND : RTS_FILE_DIFFERENT;
    }
    if (is_same_inode)
        return RTS_FILE_FOUND;
    return wanted->has_identity ? RTS_FILE_DIFFERENT : RTS_FILE_UNKNOWN;
}

enum rts_file_outcome rts_file_check_by_path(struct rts_object *object,
                                             const struct rts_wanted_file *wanted)
{
    if (!rts_object_maps_as(object, wanted->offset, wanted->size))
        return RTS_FILE_UNLIKE;
    rts_object_set_by_path(object);
    return RTS_FILE_BY_PATH;
}
