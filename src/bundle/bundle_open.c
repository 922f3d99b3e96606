/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle/bundle_parts.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#ifdef HAVE_LIBARCHIVE

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "util/archive_library.h"
#include "util/cleanup.h"
#include "util/nameless_file.h"
#include "util/whole_io.h"

/* Nothing of ours is larger, and what claims to be is to fill our disk. */
#define TRACE_BYTES_MAX (8LL << 30)
#define META_BYTES_MAX  ((size_t)64 << 10)
#define ENTRIES_MAX     16

static int fail_archive(const struct rts_archive_library *lib, struct archive *archive,
                        const char *name, struct rts_error *error)
{
    const char *text = lib->error_string(archive);
    return rts_fail(error, RTS_FAILED, "%s: %s", name, text ? text : "damaged");
}

/* The digest that meta.json has for the trace; false when it has none. */
static bool digest_of_meta(const char *text, size_t size, char sha256[RTS_SHA256_HEX_SIZE])
{
    json_t *meta = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    json_t *entries = json_object_get(meta, "entries"), *entry;
    size_t i;
    bool found = false;
    json_array_foreach(entries, i, entry)
    {
        const char *path = json_string_value(json_object_get(entry, "path"));
        const char *digest = json_string_value(json_object_get(entry, "sha256"));
        if (!path || !digest || strcmp(path, RTS_BUNDLE_TRACE) != 0 ||
            strlen(digest) != RTS_BUNDLE_DIGITS)
            continue;
        snprintf(sha256, RTS_SHA256_HEX_SIZE, "%s", digest);
        found = true;
    }
    json_decref(meta);
    return found;
}

/* Copies the current entry. */
static int copy_entry(const struct rts_archive_library *lib, struct archive *archive,
                      const char *name, int fd, struct rts_error *error)
{
    RTS_FREE char *bytes = malloc(RTS_BUNDLE_COPY_BYTES);
    long long left = TRACE_BYTES_MAX;
    la_ssize_t count = -1;
    while (bytes && left > 0 &&
           (count = lib->read_data(archive, bytes, RTS_BUNDLE_COPY_BYTES)) > 0) {
        left -= count;
        if (!rts_write_all(fd, bytes, (size_t)count))
            return rts_fail_errno(error, errno, "cannot unpack %s", name);
    }
    if (left <= 0)
        return rts_fail(error, RTS_FAILED, "%s: the trace in it is too large", name);
    return count < 0 ? fail_archive(lib, archive, name, error) : 0;
}

static int read_entries(const struct rts_archive_library *lib, struct archive *archive,
                        const char *name, int fd, struct rts_error *error)
{
    RTS_FREE char *meta = malloc(META_BYTES_MAX);
    char wanted[RTS_SHA256_HEX_SIZE] = "", found[RTS_SHA256_HEX_SIZE];
    struct archive_entry *entry;
    bool has_trace = false;
    int result = ARCHIVE_OK;
    for (int i = 0; meta && i < ENTRIES_MAX; i++) {
        result = lib->read_next_header(archive, &entry);
        if (result != ARCHIVE_OK)
            break;
        const char *path = lib->entry_pathname(entry);
        if (path && strcmp(path, RTS_BUNDLE_META) == 0) {
            la_ssize_t size = lib->read_data(archive, meta, META_BYTES_MAX);
            if (size < 0 || !digest_of_meta(meta, (size_t)size, wanted))
                return rts_fail(error, RTS_FAILED, "%s: its " RTS_BUNDLE_META " is damaged", name);
        } else if (path && strcmp(path, RTS_BUNDLE_TRACE) == 0 && !has_trace) {
            has_trace = true;
            if (copy_entry(lib, archive, name, fd, error) < 0)
                return -1;
        }
    }
    if (result != ARCHIVE_EOF)
        return fail_archive(lib, archive, name, error);
    uint64_t size;
    if (!has_trace || lseek(fd, 0, SEEK_SET) < 0)
        return rts_fail(error, RTS_FAILED, "%s: there is no trace in it", name);
    if (rts_bundle_hash(fd, name, found, &size, error) < 0)
        return -1;
    if (strcmp(wanted, found) != 0)
        return rts_fail(error, RTS_FAILED,
                        "%s: its trace is not the one that its " RTS_BUNDLE_META " names", name);
    return 0;
}

/* Copies the trace in the bundle `in` to `out`, and goes to its beginning. */
static int unpack(int in, const char *name, int out, struct rts_error *error)
{
    RTS_ARCHIVE_LIBRARY struct rts_archive_library lib = {0};
    if (rts_archive_library_open(&lib, error) < 0)
        return -1;
    struct archive *archive = lib.read_new();
    lib.read_support_filter_zstd(archive);
    lib.read_support_format_tar(archive);
    int result = lib.read_open_fd(archive, in, RTS_BUNDLE_COPY_BYTES) == ARCHIVE_OK
                     ? read_entries(&lib, archive, name, out, error)
                     : fail_archive(&lib, archive, name, error);
    lib.read_free(archive);
    return result;
}

static int open_bundle_file(const char *name, const char *directory, struct rts_error *error)
{
    char path[PATH_MAX];
    if (strncmp(name, RTS_BUNDLE_SCHEME, strlen(RTS_BUNDLE_SCHEME)) == 0) {
        if (!directory)
            return rts_fail(error, RTS_USAGE, "%s: give the folder of the bundles with --cas",
                            name);
        char sha256[RTS_SHA256_HEX_SIZE], uri[RTS_BUNDLE_URI_SIZE];
        if (rts_bundle_digest_of_name(name, sha256))
            rts_bundle_uri(sha256, uri);
        else
            uri[0] = '\0';
        if (strcmp(name, uri) != 0)
            return rts_fail(error, RTS_USAGE, "%s: no bundle is called that", name);
        snprintf(path, sizeof path, "%s/%s", directory, name + strlen(RTS_BUNDLE_SCHEME));
    } else {
        snprintf(path, sizeof path, "%s", name);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return rts_fail(error, RTS_NOT_FOUND, "there is no bundle %s", path);
    return fd >= 0 ? fd : rts_fail_errno(error, errno, "cannot read the bundle %s", path);
}

int rts_bundle_open(const char *name, const char *directory, char sha256[RTS_SHA256_HEX_SIZE],
                    struct rts_error *error)
{
    char wanted[RTS_SHA256_HEX_SIZE];
    uint64_t size;
    if (!rts_bundle_digest_of_name(name, wanted))
        return rts_fail(error, RTS_USAGE,
                        "%s: a bundle is called by the SHA-256 of its content and .tar.zst", name);
    RTS_CLOSE int in = open_bundle_file(name, directory, error);
    if (in < 0 || rts_bundle_hash(in, name, sha256, &size, error) < 0)
        return -1;
    if (strcmp(wanted, sha256) != 0)
        return rts_fail(error, RTS_FAILED,
                        "%s is damaged: the SHA-256 of its content is %s; nothing of it is used",
                        name, sha256);
    RTS_CLOSE int out = rts_nameless_file(NULL);
    if (out < 0)
        return rts_fail_errno(error, errno, "cannot unpack %s to a temporary file", name);
    return unpack(in, name, out, error) < 0 ? -1 : rts_take_fd(&out);
}

#else

int rts_bundle_open(const char *name, const char *directory, char sha256[RTS_SHA256_HEX_SIZE],
                    struct rts_error *error)
{
    (void)name, (void)directory, (void)sha256;
    return rts_bundle_not_built("libarchive", error);
}

#endif
