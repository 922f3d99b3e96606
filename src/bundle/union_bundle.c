/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle/union_bundle.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/file_replace.h"
#include "util/json.h"
#include "util/memory.h"
#include "util/sha256.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#ifdef HAVE_LIBARCHIVE
#include "util/archive_library.h"

struct part {
    const char *path;
    const struct rts_buffer *bytes;
    uint64_t records;
};

static void write_meta(const struct rts_union_content *content, const struct part *parts,
                       size_t count, struct rts_buffer *out)
{
    rts_buffer_text(out, "{");
    if (content->analysis_id) {
        rts_buffer_text(out, "\"analysisId\":");
        rts_json_string(out, content->analysis_id);
        rts_buffer_text(out, ",");
    }
    if (content->config_sha256) {
        rts_buffer_text(out, "\"configSha256\":");
        rts_json_string(out, content->config_sha256);
        rts_buffer_text(out, ",");
    }
    rts_buffer_format(out, "\"edgeCount\":%" PRIu64, content->edge_count);
    if (content->edges_dropped > 0)
        rts_buffer_format(out, ",\"edgeHitsDropped\":%" PRIu64, content->edges_dropped);
    rts_buffer_text(out, ",\"files\":[");
    for (size_t i = 0; i < count; i++) {
        uint8_t digest[RTS_SHA256_SIZE];
        char hex[RTS_SHA256_HEX_SIZE];
        rts_sha256_bytes(parts[i].bytes->data, parts[i].bytes->size, digest);
        rts_sha256_hex(digest, hex);
        rts_buffer_format(out, "%s{\"path\":\"%s\",\"records\":%" PRIu64 ",\"sha256\":\"%s\"}",
                          i > 0 ? "," : "", parts[i].path, parts[i].records, hex);
    }
    rts_buffer_format(out, "],\"nodeCount\":%" PRIu64 "}\n", content->node_count);
}

static la_ssize_t append(struct archive *archive, void *context, const void *bytes, size_t size)
{
    (void)archive;
    rts_buffer_append(context, bytes, size);
    return (la_ssize_t)size;
}

static int write_part(const struct rts_archive_library *lib, struct archive *archive,
                      const struct part *part)
{
    struct archive_entry *entry = lib->entry_new();
    size_t size = part->bytes->size;
    lib->entry_set_pathname(entry, part->path);
    lib->entry_set_filetype(entry, AE_IFREG);
    lib->entry_set_perm(entry, 0644);
    lib->entry_set_size(entry, (la_int64_t)size);
    lib->entry_set_mtime(entry, 0, 0);
    int result = lib->write_header(archive, entry);
    if (result == ARCHIVE_OK && size > 0 &&
        lib->write_data(archive, part->bytes->data, size) != (la_ssize_t)size)
        result = ARCHIVE_FATAL;
    lib->entry_free(entry);
    return result;
}

static int write_archive(const char *path, const struct part *parts, size_t count,
                         struct rts_buffer *out, struct rts_error *error)
{
    RTS_ARCHIVE_LIBRARY struct rts_archive_library lib = {0};
    if (rts_archive_library_open(&lib, error) < 0)
        return -1;
    struct archive *archive = lib.write_new();
    lib.write_set_format_zip(archive);
    lib.write_set_bytes_per_block(archive, 0);
    lib.write_set_bytes_in_last_block(archive, 1);
    int result = lib.write_set_options(archive, "zip:compression=deflate");
    if (result == ARCHIVE_OK)
        result = lib.write_open(archive, out, NULL, append, NULL);
    for (size_t i = 0; i < count && result == ARCHIVE_OK; i++)
        result = write_part(&lib, archive, &parts[i]);
    if (result == ARCHIVE_OK)
        result = lib.write_close(archive);
    if (result != ARCHIVE_OK) {
        const char *text = lib.error_string(archive);
        result = rts_fail(error, RTS_FAILED, "cannot make the union bundle %s: %s", path,
                          text ? text : "libarchive refuses");
    }
    lib.write_free(archive);
    return result;
}

int rts_union_bundle_write(const char *path, const struct rts_union_content *content,
                           struct rts_error *error)
{
    struct rts_buffer meta = RTS_BUFFER_INIT, bytes = RTS_BUFFER_INIT;
    const struct part files[] = {
        {"edges.ndjson", content->edges, content->edge_count},
        {"facts_runtime.ndjson", content->facts, content->node_count},
        {"nodes.ndjson", content->nodes, content->node_count},
    };
    write_meta(content, files, 3, &meta);
    const struct part parts[] = {files[0], files[1], {"meta.json", &meta, 0}, files[2]};
    int result = write_archive(path, parts, 4, &bytes, error);
    if (result == 0)
        result = rts_file_replace(path, bytes.data, bytes.size, 0600, RTS_DURABLE, error);
    rts_buffer_finish(&meta);
    rts_buffer_finish(&bytes);
    return result;
}

int rts_union_bundle_check(const char *path, struct rts_error *error)
{
    RTS_FREE char *copy = rts_strdup(path);
    struct stat file;
    if (stat(path, &file) == 0 && !S_ISREG(file.st_mode))
        return rts_fail(error, RTS_USAGE,
                        "%s is not a regular file, which a union bundle could replace", path);
    if (access(dirname(copy), W_OK | X_OK) < 0)
        return rts_fail_errno(error, errno, "cannot write the union bundle %s", path);
    return rts_archive_library_check(error);
}

#else

static int not_built(struct rts_error *error)
{
    return rts_fail(error, RTS_USAGE,
                    "union bundles need libarchive, which this rtsample was built without");
}

int rts_union_bundle_check(const char *path, struct rts_error *error)
{
    (void)path;
    return not_built(error);
}

int rts_union_bundle_write(const char *path, const struct rts_union_content *content,
                           struct rts_error *error)
{
    (void)path, (void)content;
    return not_built(error);
}

#endif
