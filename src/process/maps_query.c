/* SPDX-License-Identifier: Apache-2.0 */
#include "process/maps_query.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "util/cleanup.h"

/* struct procmap_query of linux/fs.h, which headers of before Linux 6.11 do not have. */
struct query {
    uint64_t size, flags, address;
    uint64_t start, end, mapping_flags, page_size, offset, inode;
    uint32_t major, minor;
    uint32_t name_size, build_id_size;
    uint64_t name, build_id;
};

#define QUERY       _IOWR('f', 17, struct query)
#define EXECUTABLE  0x04
#define FILE_BACKED 0x20

bool rts_maps_query_build_id(const char *proc_root, int32_t view, const struct rts_mapping *mapping,
                             struct rts_build_id *build_id)
{
    const struct rts_mapped_file *file = mapping->file;
    char name[256];
    snprintf(name, sizeof name, "%s/%d/maps", proc_root, (int)view);
    RTS_CLOSE int fd = open(name, O_RDONLY | O_CLOEXEC);
    struct query query = {
        .size = sizeof query,
        .flags = EXECUTABLE | FILE_BACKED,
        .address = mapping->start,
        .build_id_size = sizeof build_id->bytes,
        .build_id = (uintptr_t)build_id->bytes,
    };
    build_id->size = 0;
    if (fd < 0 || ioctl(fd, QUERY, &query) != 0 || query.build_id_size > sizeof build_id->bytes)
        return false;
    uint64_t offset = query.offset + (mapping->start - query.start);
    if (!file->has_identity || query.major != file->major || query.minor != file->minor ||
        query.inode != file->inode || offset != mapping->offset)
        return false;
    build_id->size = (uint8_t)query.build_id_size;
    return build_id->size > 0;
}
