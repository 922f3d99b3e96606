/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle/bundle_parts.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#if defined(HAVE_LIBARCHIVE) && defined(HAVE_LIBZSTD)

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "util/archive_library.h"
#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/nameless_file.h"
#include "util/own_folder.h"
#include "util/whole_io.h"

/* Of the trace format, in meta.json. */
#define TRACE_VERSION "1"

#define LEVEL 19

/* A header, what an entry is padded to, and (two of these) what ends an archive. */
#define TAR_BLOCK 512

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
                      "\"edgeCount\":%" PRIu64 ",\"entries\":[{\"path\":\"" RTS_BUNDLE_TRACE
                      "\",\"sha256\":\"%s\",\"size\":%" PRIu64 "}],\"nodeCount\":%" PRIu64
                      ",\"traceVersion\":\"" TRACE_VERSION "\"}\n",
                      facts->edge_count, trace_sha256, trace_size, facts->node_count);
}

/* ---- the compressed file ---- */

struct output {
    const struct rts_archive_library *lib;
    int fd;
    ZSTD_CCtx *zstd;
    char bytes[RTS_BUNDLE_COPY_BYTES];
    int number; /* errno of what failed */
};

static uint64_t padded(uint64_t size)
{
    return (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

/* zstd is told how much is to come, so that it takes no more memory than that is worth. */
static bool begin_output(struct output *output, int fd, uint64_t size)
{
    output->fd = fd;
    output->zstd = ZSTD_createCCtx();
    return output->zstd &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(output->zstd, ZSTD_c_compressionLevel, LEVEL)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(output->zstd, ZSTD_c_checksumFlag, 1)) &&
           !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(output->zstd, size));
}

/* With no bytes: the end. */
static bool compress(struct output *output, const void *bytes, size_t size)
{
    ZSTD_EndDirective mode = bytes ? ZSTD_e_continue : ZSTD_e_end;
    ZSTD_inBuffer in = {bytes, size, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {output->bytes, sizeof output->bytes, 0};
        left = ZSTD_compressStream2(output->zstd, &out, &in, mode);
        output->number = EIO;
        if (ZSTD_isError(left))
            return false;
        if (!rts_write_all(output->fd, output->bytes, out.pos)) {
            output->number = errno;
            return false;
        }
    } while (bytes ? in.pos < in.size : left > 0);
    return true;
}

static la_ssize_t write_block(struct archive *archive, void *context, const void *bytes,
                              size_t size)
{
    struct output *output = context;
    if (output->number != ECANCELED && compress(output, bytes, size))
        return (la_ssize_t)size;
    output->lib->set_error(archive, output->number, "%s", strerror(output->number));
    return -1;
}

/* ---- the archive ---- */

static int begin_entry(const struct rts_archive_library *lib, struct archive *archive,
                       const char *name, uint64_t size)
{
    struct archive_entry *entry = lib->entry_new();
    lib->entry_set_pathname(entry, name);
    lib->entry_set_filetype(entry, AE_IFREG);
    lib->entry_set_perm(entry, 0644);
    lib->entry_set_size(entry, (la_int64_t)size);
    lib->entry_set_mtime(entry, 0, 0);
    int result = lib->write_header(archive, entry);
    lib->entry_free(entry);
    return result;
}

/* Fails with ECANCELED when the pace says so: the output then takes nothing more. The archive is
 * not told to fail, for then libarchive forgets to free what it holds. */
static int write_entries(struct archive *archive, struct output *output,
                         const struct rts_buffer *meta, int trace, uint64_t size,
                         const struct rts_bundle_pace *pace)
{
    const struct rts_archive_library *lib = output->lib;
    RTS_FREE char *bytes = malloc(RTS_BUNDLE_COPY_BYTES);
    if (!bytes || begin_entry(lib, archive, RTS_BUNDLE_META, meta->size) != ARCHIVE_OK ||
        lib->write_data(archive, meta->data, meta->size) != (la_ssize_t)meta->size ||
        begin_entry(lib, archive, RTS_BUNDLE_TRACE, size) != ARCHIVE_OK)
        return -1;
    for (ssize_t count; size > 0; size -= (uint64_t)count) {
        count =
            read(trace, bytes, size < RTS_BUNDLE_COPY_BYTES ? (size_t)size : RTS_BUNDLE_COPY_BYTES);
        if (count <= 0 || lib->write_data(archive, bytes, (size_t)count) != count)
            return -1;
        if (pace && !pace->go_on(pace->context)) {
            lib->set_error(archive, ECANCELED, "given up");
            output->number = ECANCELED;
            return -1;
        }
    }
    return 0;
}

/* Appends all entries to the output. */
static int write_tar(struct output *output, const struct rts_buffer *meta, int trace, uint64_t size,
                     const struct rts_bundle_pace *pace, struct rts_error *error)
{
    const struct rts_archive_library *lib = output->lib;
    struct archive *archive = lib->write_new();
    lib->write_set_format_ustar(archive);
    lib->write_set_bytes_in_last_block(archive, 1);
    int result = lib->write_open(archive, output, NULL, write_block, NULL);
    if (result == ARCHIVE_OK)
        result = write_entries(archive, output, meta, trace, size, pace);
    if (result == ARCHIVE_OK)
        result = lib->write_close(archive);
    if (result != ARCHIVE_OK) {
        const char *text = lib->error_string(archive);
        rts_fail(error, RTS_FAILED, "cannot write a bundle: %s", text ? text : "out of memory");
    }
    lib->write_free(archive);
    return result == ARCHIVE_OK ? 0 : -1;
}

static int write_bundle(int fd, const struct rts_buffer *meta, int trace, uint64_t size,
                        const struct rts_bundle_pace *pace, struct rts_error *error)
{
    RTS_FREE struct output *output = calloc(1, sizeof *output);
    RTS_ARCHIVE_LIBRARY struct rts_archive_library lib = {0};
    if (rts_archive_library_open(&lib, error) < 0)
        return -1;
    uint64_t whole = 4 * TAR_BLOCK + padded(meta->size) + padded(size);
    if (!output || !begin_output(output, fd, whole)) {
        if (output)
            ZSTD_freeCCtx(output->zstd);
        return rts_fail(error, RTS_FAILED, "cannot write a bundle: out of memory");
    }
    output->lib = &lib;
    int result = write_tar(output, meta, trace, size, pace, error);
    if (result == 0 && !compress(output, NULL, 0))
        result = rts_fail_errno(error, output->number, "cannot write a bundle");
    ZSTD_freeCCtx(output->zstd);
    return result;
}

/* ---- its name ---- */

/* Makes a folder that may be there already. Nobody but us and root can change what is in it then,
 * so that names below it stay what they are. */
static int make_folder(const char *path, struct rts_error *error)
{
    RTS_CLOSE int fd = rts_own_folder_open(AT_FDCWD, path, path, "bundles", error);
    return fd < 0 ? -1 : 0;
}

static int sync_folder(const char *path)
{
    RTS_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : fsync(fd);
}

static int make_folders(const char *directory, char folder[PATH_MAX], struct rts_error *error)
{
    int length = snprintf(folder, PATH_MAX, "%s/" RTS_BUNDLE_FOLDER, directory);
    if (length < 0 || length >= PATH_MAX)
        return rts_fail(error, RTS_USAGE, "%s: the name is too long", directory);
    if (make_folder(directory, error) < 0)
        return -1;
    return make_folder(folder, error);
}

int rts_bundle_begin(const char *directory, struct rts_error *error)
{
    char folder[PATH_MAX];
    if (rts_archive_library_check(error) < 0 || make_folders(directory, folder, error) < 0)
        return -1;
    int fd = rts_nameless_file(folder);
    return fd >= 0 ? fd : rts_fail_errno(error, errno, "cannot make a bundle in %s", folder);
}

/* Gives the file the name, which is that of its content. It has had none, or `temporary`. */
static int link_bundle(int fd, char *temporary, const char *folder, const char *path)
{
    char own[64];
    if (!temporary[0]) {
        snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
        if (linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
            return 0;
        if (errno != EEXIST)
            return -1;
        /* What has the name may be damaged: this one takes its place. */
        snprintf(temporary, PATH_MAX, "%.*s/.bundle-%d", PATH_MAX - 32, folder, (int)getpid());
        unlink(temporary);
        if (linkat(AT_FDCWD, own, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) < 0)
            return temporary[0] = '\0', -1;
    }
    return rename(temporary, path);
}

static int name_bundle(const char *directory, int fd, char *temporary,
                       char sha256[RTS_SHA256_HEX_SIZE], struct rts_error *error)
{
    char folder[PATH_MAX], path[PATH_MAX];
    uint64_t size;
    if (lseek(fd, 0, SEEK_SET) < 0 || rts_bundle_hash(fd, "a bundle", sha256, &size, error) < 0)
        return -1;
    int length =
        snprintf(folder, sizeof folder, "%s/" RTS_BUNDLE_FOLDER "/%.2s", directory, sha256);
    if (length < 0 ||
        (size_t)length >= sizeof folder - RTS_BUNDLE_DIGITS - sizeof RTS_BUNDLE_SUFFIX)
        return rts_fail(error, RTS_USAGE, "%s: the name is too long", directory);
    snprintf(path, sizeof path, "%.*s/%s" RTS_BUNDLE_SUFFIX, length, folder, sha256);
    if (make_folder(folder, error) < 0)
        return -1;
    if (fsync(fd) < 0 || link_bundle(fd, temporary, folder, path) < 0 || sync_folder(folder) < 0)
        return rts_fail_errno(error, errno, "cannot write %s", path);
    return 0;
}

/* A file in the folder, without a name where that is possible and can be given one later. */
static int open_file(const char *folder, char temporary[PATH_MAX], struct rts_error *error)
{
    int fd = -1;
    temporary[0] = '\0';
    if (access("/proc/self/fd", X_OK) == 0)
        fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        int length = snprintf(temporary, PATH_MAX, "%s/.bundle-XXXXXX", folder);
        if (length < 0 || length >= PATH_MAX)
            return rts_fail(error, RTS_USAGE, "%s: the name is too long", folder);
        fd = mkostemp(temporary, O_CLOEXEC);
    }
    return fd >= 0 ? fd : rts_fail_errno(error, errno, "cannot make a bundle in %s", folder);
}

int rts_bundle_pack(const char *directory, int trace, const struct rts_bundle_facts *facts,
                    const struct rts_bundle_pace *pace, char sha256[RTS_SHA256_HEX_SIZE],
                    struct rts_error *error)
{
    char folder[PATH_MAX], temporary[PATH_MAX], trace_sha256[RTS_SHA256_HEX_SIZE];
    uint64_t size;
    if (rts_bundle_hash(trace, "the trace", trace_sha256, &size, error) < 0 ||
        make_folders(directory, folder, error) < 0)
        return -1;
    RTS_CLOSE int out = open_file(folder, temporary, error);
    if (out < 0)
        return -1;
    struct rts_buffer meta = RTS_BUFFER_INIT;
    write_meta(facts, trace_sha256, size, &meta);
    int result = write_bundle(out, &meta, trace, size, pace, error);
    rts_buffer_finish(&meta);
    if (result == 0)
        result = name_bundle(directory, out, temporary, sha256, error);
    if (result < 0 && temporary[0])
        unlink(temporary);
    return result;
}

#else

int rts_bundle_begin(const char *directory, struct rts_error *error)
{
    (void)directory;
    return rts_bundle_not_built("libarchive and libzstd", error);
}

int rts_bundle_pack(const char *directory, int trace, const struct rts_bundle_facts *facts,
                    const struct rts_bundle_pace *pace, char sha256[RTS_SHA256_HEX_SIZE],
                    struct rts_error *error)
{
    (void)directory, (void)trace, (void)facts, (void)pace, (void)sha256;
    return rts_bundle_not_built("libarchive and libzstd", error);
}

#endif
