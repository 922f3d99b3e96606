/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/json.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#ifdef HAVE_LIBARCHIVE
#include <archive.h>
#include <archive_entry.h>
#endif

#define FOLDER "runtime_traces"
#define SCHEME "cas://"
#define SUFFIX ".tar.zst"
#define META   "meta.json"
#define TRACE  "trace.data"

/* Of the trace format, in meta.json. */
#define TRACE_VERSION "1"

#define COPY_BYTES ((size_t)64 << 10)

#define HEX_DIGITS (RTS_SHA256_HEX_SIZE - 1)

void rts_bundle_uri(const char sha256[RTS_SHA256_HEX_SIZE], char uri[RTS_BUNDLE_URI_SIZE])
{
    snprintf(uri, RTS_BUNDLE_URI_SIZE, SCHEME FOLDER "/%.2s/%.64s" SUFFIX, sha256, sha256);
}

/* The digest in a name; false when there is none. */
static bool digest_of_name(const char *name, char sha256[RTS_SHA256_HEX_SIZE])
{
    const char *slash = strrchr(name, '/');
    const char *last = slash ? slash + 1 : name;
    if (strspn(last, "0123456789abcdef") != HEX_DIGITS || strcmp(last + HEX_DIGITS, SUFFIX) != 0)
        return false;
    snprintf(sha256, RTS_SHA256_HEX_SIZE, "%.64s", last);
    return true;
}

bool rts_bundle_is_name(const char *name)
{
    size_t length = strlen(name), suffix = strlen(SUFFIX);
    return strncmp(name, SCHEME, strlen(SCHEME)) == 0 ||
           (length > suffix && strcmp(name + length - suffix, SUFFIX) == 0);
}

#ifdef HAVE_LIBARCHIVE

/* Nothing of ours is larger, and what claims to be is to fill our disk. */
#define TRACE_BYTES_MAX (8LL << 30)
#define META_BYTES_MAX  ((size_t)64 << 10)
#define ENTRIES_MAX     16

/* The digest of a file, and its size; the fd is back at its beginning. */
static int hash_fd(int fd, const char *name, char hex[RTS_SHA256_HEX_SIZE], uint64_t *size,
                   struct rts_error *error)
{
    struct rts_sha256 hash;
    uint8_t digest[RTS_SHA256_SIZE];
    RTS_FREE char *bytes = malloc(COPY_BYTES);
    ssize_t count = -1;
    *size = 0;
    rts_sha256_init(&hash);
    while (bytes && (count = read(fd, bytes, COPY_BYTES)) > 0) {
        rts_sha256_update(&hash, bytes, (size_t)count);
        *size += (uint64_t)count;
    }
    int number = errno;
    rts_sha256_finish(&hash, digest);
    rts_sha256_hex(digest, hex);
    if (count < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return rts_fail_errno(error, number, "cannot read %s", name);
    return 0;
}

/* ---- packing ---- */

static void write_meta(const struct rts_bundle_facts *facts, const char *trace_sha256,
                       uint64_t trace_size, struct rts_buffer *out)
{
    rts_buffer_text(out, "{");
    if (facts->analysis_id) {
        rts_buffer_text(out, "\"analysisId\":");
        rts_json_string(out, facts->analysis_id);
        rts_buffer_text(out, ",");
    }
    if (facts->config_sha256) {
        rts_buffer_text(out, "\"configSha256\":");
        rts_json_string(out, facts->config_sha256);
        rts_buffer_text(out, ",");
    }
    rts_buffer_format(out,
                      "\"edgeCount\":%" PRIu64 ",\"entries\":[{\"path\":\"" TRACE
                      "\",\"sha256\":\"%s\",\"size\":%" PRIu64 "}],\"nodeCount\":%" PRIu64
                      ",\"traceVersion\":\"" TRACE_VERSION "\"}\n",
                      facts->edge_count, trace_sha256, trace_size, facts->node_count);
}

static int fail_archive(struct archive *archive, const char *name, struct rts_error *error)
{
    const char *text = archive_error_string(archive);
    return rts_fail(error, RTS_FAILED, "%s: %s", name, text ? text : "damaged");
}

static int begin_entry(struct archive *archive, const char *name, uint64_t size)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_mtime(entry, 0, 0);
    int result = archive_write_header(archive, entry);
    archive_entry_free(entry);
    return result;
}

static int write_entries(struct archive *archive, const struct rts_buffer *meta, int trace,
                         uint64_t size)
{
    RTS_FREE char *bytes = malloc(COPY_BYTES);
    if (!bytes || begin_entry(archive, META, meta->size) != ARCHIVE_OK ||
        archive_write_data(archive, meta->data, meta->size) != (la_ssize_t)meta->size ||
        begin_entry(archive, TRACE, size) != ARCHIVE_OK)
        return -1;
    for (ssize_t count; size > 0; size -= (uint64_t)count) {
        count = read(trace, bytes, size < COPY_BYTES ? (size_t)size : COPY_BYTES);
        if (count <= 0 || archive_write_data(archive, bytes, (size_t)count) != count)
            return -1;
    }
    return 0;
}

static int write_archive(int fd, const char *name, const struct rts_buffer *meta, int trace,
                         uint64_t size, struct rts_error *error)
{
    struct archive *archive = archive_write_new();
    archive_write_set_format_ustar(archive);
    archive_write_add_filter_zstd(archive);
    archive_write_set_bytes_in_last_block(archive, 1);
    int result = archive_write_set_options(archive, "zstd:compression-level=19");
    if (result == ARCHIVE_OK)
        result = archive_write_open_fd(archive, fd);
    if (result == ARCHIVE_OK)
        result = write_entries(archive, meta, trace, size);
    if (result == ARCHIVE_OK)
        result = archive_write_close(archive);
    if (result != ARCHIVE_OK)
        result = fail_archive(archive, name, error);
    archive_write_free(archive);
    return result;
}

/* Makes a folder that may be there already. */
static int make_folder(const char *path, struct rts_error *error)
{
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return rts_fail_errno(error, errno, "cannot make the folder %s", path);
    return 0;
}

static int sync_folder(const char *path)
{
    RTS_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : fsync(fd);
}

/* Gives the finished file the name that its content asks for. */
static int name_bundle(const char *directory, int fd, const char *temporary,
                       char sha256[RTS_SHA256_HEX_SIZE], struct rts_error *error)
{
    char folder[PATH_MAX], path[PATH_MAX];
    uint64_t size;
    if (hash_fd(fd, temporary, sha256, &size, error) < 0)
        return -1;
    int length = snprintf(folder, sizeof folder, "%s/" FOLDER "/%.2s", directory, sha256);
    if (length < 0 || (size_t)length >= sizeof folder - HEX_DIGITS - sizeof SUFFIX)
        return rts_fail(error, RTS_USAGE, "%s: the name is too long", directory);
    snprintf(path, sizeof path, "%.*s/%s" SUFFIX, length, folder, sha256);
    if (make_folder(folder, error) < 0)
        return -1;
    if (fsync(fd) < 0 || rename(temporary, path) < 0 || sync_folder(folder) < 0)
        return rts_fail_errno(error, errno, "cannot write %s", path);
    return 0;
}

int rts_bundle_pack(const char *directory, const char *trace, const struct rts_bundle_facts *facts,
                    char sha256[RTS_SHA256_HEX_SIZE], struct rts_error *error)
{
    char folder[PATH_MAX], temporary[PATH_MAX], trace_sha256[RTS_SHA256_HEX_SIZE];
    uint64_t size;
    snprintf(folder, sizeof folder, "%s/" FOLDER, directory);
    int length = snprintf(temporary, sizeof temporary, "%s/" FOLDER "/.bundle-XXXXXX", directory);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return rts_fail(error, RTS_USAGE, "%s: the name is too long", directory);
    RTS_CLOSE int in = open(trace, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return rts_fail_errno(error, errno, "cannot read the trace %s", trace);
    if (hash_fd(in, trace, trace_sha256, &size, error) < 0 || make_folder(directory, error) < 0 ||
        make_folder(folder, error) < 0)
        return -1;
    RTS_CLOSE int out = mkostemp(temporary, O_CLOEXEC);
    if (out < 0)
        return rts_fail_errno(error, errno, "cannot make a bundle in %s", folder);
    struct rts_buffer meta = RTS_BUFFER_INIT;
    write_meta(facts, trace_sha256, size, &meta);
    int result = write_archive(out, temporary, &meta, in, size, error);
    rts_buffer_finish(&meta);
    if (result == 0 && lseek(out, 0, SEEK_SET) == 0)
        result = name_bundle(directory, out, temporary, sha256, error);
    if (result < 0)
        unlink(temporary);
    return result;
}

/* ---- opening ---- */

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
        if (!path || !digest || strcmp(path, TRACE) != 0 || strlen(digest) != HEX_DIGITS)
            continue;
        snprintf(sha256, RTS_SHA256_HEX_SIZE, "%s", digest);
        found = true;
    }
    json_decref(meta);
    return found;
}

/* A file that goes away with its fd. */
static int open_nameless(struct rts_error *error)
{
    const char *folder = getenv("TMPDIR");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/rtsample-XXXXXX", folder && *folder ? folder : "/tmp");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return rts_fail_errno(error, errno, "cannot unpack the bundle to %s", path);
    unlink(path);
    return fd;
}

/* Copies the entry at hand. */
static int copy_entry(struct archive *archive, const char *name, int fd, struct rts_error *error)
{
    RTS_FREE char *bytes = malloc(COPY_BYTES);
    long long left = TRACE_BYTES_MAX;
    la_ssize_t count = -1;
    while (bytes && left > 0 && (count = archive_read_data(archive, bytes, COPY_BYTES)) > 0) {
        left -= count;
        if (write(fd, bytes, (size_t)count) != count)
            return rts_fail_errno(error, errno, "cannot unpack %s", name);
    }
    if (left <= 0)
        return rts_fail(error, RTS_FAILED, "%s: the trace in it is too large", name);
    return count < 0 ? fail_archive(archive, name, error) : 0;
}

static int read_entries(struct archive *archive, const char *name, int fd, struct rts_error *error)
{
    RTS_FREE char *meta = malloc(META_BYTES_MAX);
    char wanted[RTS_SHA256_HEX_SIZE] = "", found[RTS_SHA256_HEX_SIZE];
    struct archive_entry *entry;
    bool has_trace = false;
    int result = ARCHIVE_OK;
    for (int i = 0; meta && i < ENTRIES_MAX; i++) {
        result = archive_read_next_header(archive, &entry);
        if (result != ARCHIVE_OK)
            break;
        const char *path = archive_entry_pathname(entry);
        if (path && strcmp(path, META) == 0) {
            la_ssize_t size = archive_read_data(archive, meta, META_BYTES_MAX);
            if (size < 0 || !digest_of_meta(meta, (size_t)size, wanted))
                return rts_fail(error, RTS_FAILED, "%s: its " META " is damaged", name);
        } else if (path && strcmp(path, TRACE) == 0 && !has_trace) {
            has_trace = true;
            if (copy_entry(archive, name, fd, error) < 0)
                return -1;
        }
    }
    if (result != ARCHIVE_EOF)
        return fail_archive(archive, name, error);
    uint64_t size;
    if (!has_trace || lseek(fd, 0, SEEK_SET) < 0)
        return rts_fail(error, RTS_FAILED, "%s: there is no trace in it", name);
    if (hash_fd(fd, name, found, &size, error) < 0)
        return -1;
    if (strcmp(wanted, found) != 0)
        return rts_fail(error, RTS_FAILED, "%s: its trace is not the one that its " META " names",
                        name);
    return 0;
}

static int open_bundle_file(const char *name, const char *directory, struct rts_error *error)
{
    char path[PATH_MAX];
    if (strncmp(name, SCHEME, strlen(SCHEME)) == 0) {
        if (!directory)
            return rts_fail(error, RTS_USAGE, "%s: give the folder of the bundles with --cas",
                            name);
        char sha256[RTS_SHA256_HEX_SIZE], uri[RTS_BUNDLE_URI_SIZE];
        if (digest_of_name(name, sha256))
            rts_bundle_uri(sha256, uri);
        else
            uri[0] = '\0';
        if (strcmp(name, uri) != 0)
            return rts_fail(error, RTS_USAGE, "%s: no bundle is called that", name);
        snprintf(path, sizeof path, "%s/%s", directory, name + strlen(SCHEME));
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
    if (!digest_of_name(name, wanted))
        return rts_fail(error, RTS_USAGE,
                        "%s: a bundle is called by the SHA-256 of its content and .tar.zst", name);
    RTS_CLOSE int in = open_bundle_file(name, directory, error);
    if (in < 0 || hash_fd(in, name, sha256, &size, error) < 0)
        return -1;
    if (strcmp(wanted, sha256) != 0)
        return rts_fail(error, RTS_FAILED,
                        "%s is damaged: the SHA-256 of its content is %s; nothing of it is used",
                        name, sha256);
    RTS_CLOSE int out = open_nameless(error);
    if (out < 0)
        return -1;
    struct archive *archive = archive_read_new();
    archive_read_support_filter_zstd(archive);
    archive_read_support_format_tar(archive);
    int result = archive_read_open_fd(archive, in, COPY_BYTES) == ARCHIVE_OK
                     ? read_entries(archive, name, out, error)
                     : fail_archive(archive, name, error);
    archive_read_free(archive);
    return result < 0 ? -1 : rts_take_fd(&out);
}

#else

static int not_built(struct rts_error *error)
{
    return rts_fail(error, RTS_USAGE,
                    "bundles take libarchive, which this rtsample was built without");
}

int rts_bundle_pack(const char *directory, const char *trace, const struct rts_bundle_facts *facts,
                    char sha256[RTS_SHA256_HEX_SIZE], struct rts_error *error)
{
    (void)directory, (void)trace, (void)facts, (void)sha256;
    return not_built(error);
}

int rts_bundle_open(const char *name, const char *directory, char sha256[RTS_SHA256_HEX_SIZE],
                    struct rts_error *error)
{
    (void)name, (void)directory, (void)sha256;
    return not_built(error);
}

#endif
