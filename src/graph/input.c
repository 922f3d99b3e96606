/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "graph/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_LIBARCHIVE
#include "util/archive_library.h"
#endif

#include "util/memory.h"

/* Entries of an archive that are looked at. */
#define ENTRIES_MAX 65536

#define BLOCK_SIZE 65536

struct rts_graph_input {
    int fd;
    uint64_t bytes; /* that were read */
    bool begun;     /* the first bytes of the current text have been looked at */
#ifdef HAVE_LIBARCHIVE
    struct rts_archive_library lib;
    struct archive *archive; /* NULL: the file is read as it is */
    bool in_entry;
    unsigned entries;
#endif
};

/* Does the file begin as an archive or as something compressed does? */
static bool is_packed(int fd)
{
    static const struct {
        const char *bytes;
        size_t size;
        off_t offset;
    } magics[] = {
        {"PK\3\4", 4, 0},
        {"PK\5\6", 4, 0},
        {"\x28\xb5\x2f\xfd", 4, 0},
        {"\x1f\x8b", 2, 0},
        {"BZh", 3, 0},
        {"\xfd"
         "7zXZ",
         5, 0},
        {"\x04\x22\x4d\x18", 4, 0},
        {"ustar", 5, 257},
    };
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        char bytes[8];
        if (pread(fd, bytes, magics[i].size, magics[i].offset) == (ssize_t)magics[i].size &&
            memcmp(bytes, magics[i].bytes, magics[i].size) == 0)
            return true;
    }
    return false;
}

#ifdef HAVE_LIBARCHIVE

static int fail_archive(struct rts_graph_input *input, struct rts_error *error)
{
    const char *text = input->lib.error_string(input->archive);
    return rts_fail(error, RTS_FAILED, "it cannot be unpacked: %s", text ? text : "unknown reason");
}

static int open_archive(struct rts_graph_input *input, struct rts_error *error)
{
    if (rts_archive_library_open(&input->lib, error) < 0)
        return -1;
    input->archive = input->lib.read_new();
    input->lib.read_support_filter_all(input->archive);
    input->lib.read_support_format_zip(input->archive);
    input->lib.read_support_format_tar(input->archive);
    input->lib.read_support_format_raw(input->archive); /* a compressed file alone */
    if (input->lib.read_open_fd(input->archive, input->fd, BLOCK_SIZE) != ARCHIVE_OK)
        return fail_archive(input, error);
    return 0;
}

/* nodes.ndjson of a union bundle, or the JSON of a richgraph; meta.json is about them. */
static bool holds_nodes(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t size = strlen(name);
    if (strcmp(name, "nodes.ndjson") == 0)
        return true;
    return size > 5 && strcmp(name + size - 5, ".json") == 0 && strcmp(name, "meta.json") != 0;
}

/* Goes to the next entry with nodes: 1, at the end 0, on failure -1. */
static int next_entry(struct rts_graph_input *input, struct rts_error *error)
{
    struct archive_entry *entry;
    for (;;) {
        int result = input->lib.read_next_header(input->archive, &entry);
        if (result == ARCHIVE_EOF)
            return 0;
        if (result < ARCHIVE_WARN)
            return fail_archive(input, error);
        if (++input->entries > ENTRIES_MAX)
            return rts_fail(error, RTS_FAILED, "it has more than %d entries", ENTRIES_MAX);
        const char *path = input->lib.entry_pathname(entry);
        bool alone = input->lib.format(input->archive) == ARCHIVE_FORMAT_RAW;
        if (alone || (path && input->lib.entry_filetype(entry) == AE_IFREG && holds_nodes(path)))
            return 1;
    }
}

static long read_archive(struct rts_graph_input *input, void *bytes, size_t size,
                         struct rts_error *error)
{
    for (;;) {
        if (!input->in_entry) {
            int found = next_entry(input, error);
            if (found <= 0)
                return found;
            input->in_entry = true;
            input->begun = false;
            /* Texts of two entries must not run together. */
            *(char *)bytes = '\n';
            return 1;
        }
        la_ssize_t length = input->lib.read_data(input->archive, bytes, size);
        if (length < 0)
            return fail_archive(input, error);
        if (length > 0)
            return (long)length;
        input->in_entry = false;
    }
}

#endif

static long read_file(struct rts_graph_input *input, void *bytes, size_t size,
                      struct rts_error *error)
{
    ssize_t length;
    do
        length = read(input->fd, bytes, size);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return rts_fail_errno(error, errno, "it cannot be read");
    return (long)length;
}

/* Some of what is in the file, or in the entry of an archive. */
static long read_some(struct rts_graph_input *input, void *bytes, size_t size,
                      struct rts_error *error)
{
#ifdef HAVE_LIBARCHIVE
    if (input->archive)
        return read_archive(input, bytes, size, error);
#endif
    return read_file(input, bytes, size, error);
}

/* Tools of other systems begin UTF-8 with a byte order mark, which JSON does not know, or write
 * UTF-16. Returns the size without the mark. */
static long check_beginning(char *bytes, long size, struct rts_error *error)
{
    if (size >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
        return rts_fail(error, RTS_FAILED, "it is UTF-16, and JSON has to be UTF-8");
    if (size < 3 || memcmp(bytes, "\xef\xbb\xbf", 3) != 0)
        return size;
    if (size == 3)
        return *bytes = '\n', 1; /* nothing would be the end of all entries */
    memmove(bytes, bytes + 3, (size_t)size - 3);
    return size - 3;
}

/* Reads the first bytes of a text, as many as a mark has: a pipe may begin with a single one. */
static long read_beginning(struct rts_graph_input *input, char *bytes, size_t size,
                           struct rts_error *error)
{
    long have = 0;
    for (long more = 1; have < 3 && more > 0 && size >= 3; have += more) {
        more = read_some(input, bytes + have, size - (size_t)have, error);
        if (more < 0)
            return -1;
        if (!input->begun && have == 0 && more == 1 && bytes[0] == '\n')
            return more; /* an entry begins behind it */
    }
    input->begun = true;
    return check_beginning(bytes, have, error);
}

struct rts_graph_input *rts_graph_input_open(const char *path, struct rts_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        rts_fail_errno(error, errno, "cannot open the graph %s", path);
        return NULL;
    }
    struct rts_graph_input *input = rts_calloc(1, sizeof *input);
    input->fd = fd;
    if (!is_packed(fd))
        return input;
#ifdef HAVE_LIBARCHIVE
    struct rts_error cause;
    if (open_archive(input, &cause) == 0)
        return input;
    rts_fail(error, RTS_FAILED, "%s: %s", path, cause.text);
#else
    rts_fail(error, RTS_FAILED,
             "%s is an archive or compressed, and rtsample was built without libarchive: unpack it "
             "first",
             path);
#endif
    rts_graph_input_close(input);
    return NULL;
}

void rts_graph_input_close(struct rts_graph_input *input)
{
    if (!input)
        return;
#ifdef HAVE_LIBARCHIVE
    if (input->archive)
        input->lib.read_free(input->archive);
    rts_archive_library_close(&input->lib);
#endif
    close(input->fd);
    free(input);
}

long rts_graph_input_read(void *context, void *bytes, size_t size, struct rts_error *error)
{
    struct rts_graph_input *input = context;
    long length = input->begun ? read_some(input, bytes, size, error)
                               : read_beginning(input, bytes, size, error);
    if (length > 0)
        input->bytes += (uint64_t)length;
    if (input->bytes > RTS_GRAPH_BYTES_MAX)
        return rts_fail(error, RTS_FAILED, "it is longer than 64 GiB");
    return length;
}
