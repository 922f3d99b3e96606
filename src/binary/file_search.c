/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/file_search.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "binary/build_id.h"
#include "binary/elf_image.h"
#include "binary/file_index.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/open_below.h"

/* Files without an object that are named; the others are counted. */
#define NAMED_MAX 8

/* "/.build-id/XX/YYYY" and some more. */
#define BUILD_ID_PATH_SIZE (2 * RTS_BUILD_ID_MAX + 64)

/* Where Debian and its like keep libraries. */
#if defined(__x86_64__)
#define MULTIARCH "x86_64-linux-gnu"
#else
#define MULTIARCH "aarch64-linux-gnu"
#endif

enum outcome {
    MISSING,
    DIFFERENT,
    UNKNOWN,
    FOUND,
};

struct rts_file_search {
    struct rts_object_cache *objects;
    int symfs; /* -1: none */
    enum rts_search_places places;
    char *copies; /* ~/.debug; NULL: there is no home */
    struct rts_file_counts counts;
    struct rts_file_index *index; /* NULL: nothing without a path was looked for yet */
    size_t scanned;               /* folders that are in it */
    struct rts_table seen;        /* struct seen: what was counted */
    unsigned named;
};

struct seen {
    struct rts_build_id build_id;
    char path[];
};

struct rts_file_search *rts_file_search_create(struct rts_object_cache *objects, const char *symfs,
                                               enum rts_search_places places,
                                               struct rts_error *error)
{
    int fd = -1;
    if (symfs) {
        fd = open(symfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
            rts_fail_errno(error, errno, "cannot look for files below %s", symfs);
            return NULL;
        }
    }
    struct rts_file_search *search = rts_calloc(1, sizeof *search);
    const char *home = getenv("HOME");
    search->objects = objects;
    search->symfs = fd;
    search->places = places;
    if (home && places != RTS_SEARCH_SYMFS && home[0] == '/') {
        size_t size = strlen(home) + sizeof "/.debug";
        search->copies = rts_calloc(size, 1);
        snprintf(search->copies, size, "%s/.debug", home);
    }
    return search;
}

void rts_file_search_destroy(struct rts_file_search *search)
{
    if (!search)
        return;
    size_t position = 0;
    for (void *item; (item = rts_table_next(&search->seen, &position));)
        free(item);
    rts_table_finish(&search->seen);
    rts_file_index_destroy(search->index);
    if (search->symfs >= 0)
        close(search->symfs);
    free(search->copies);
    free(search);
}

const struct rts_file_counts *rts_file_search_counts(const struct rts_file_search *search)
{
    return &search->counts;
}

static bool same_inode(int fd, const struct rts_wanted_file *wanted)
{
    struct stat status;
    return wanted->has_identity && wanted->inode != 0 && fstat(fd, &status) == 0 &&
           status.st_ino == wanted->inode && status.st_dev == makedev(wanted->major, wanted->minor);
}

/* Is this the recorded file? */
static enum outcome check(struct rts_object *object, const struct rts_wanted_file *wanted,
                          bool is_same_inode)
{
    if (wanted->build_id.size > 0)
        return rts_build_id_same(&wanted->build_id, rts_object_build_id(object)) ? FOUND
                                                                                 : DIFFERENT;
    if (wanted->sha256) {
        const char *own = rts_object_file_sha256(object);
        return own && strcmp(own, wanted->sha256) == 0 ? FOUND : DIFFERENT;
    }
    if (is_same_inode)
        return FOUND;
    return wanted->has_identity ? DIFFERENT : UNKNOWN;
}

/* What lies at `path` below `root` (-1: our own), if it is the recorded file. */
static enum outcome try_path(struct rts_file_search *search, int root, const char *path,
                             bool in_place, const struct rts_wanted_file *wanted,
                             struct rts_object **object, bool *no_elf)
{
    int fd = rts_open_below(root, path);
    if (fd < 0)
        return MISSING;
    bool is_same_inode = in_place && same_inode(fd, wanted);
    if (!rts_is_elf(fd)) {
        close(fd);
        *no_elf |= is_same_inode;
        return is_same_inode ? FOUND : DIFFERENT;
    }
    struct rts_debug_search debug = {.root_fd = search->symfs, .enabled = true};
    const char *called = wanted->path[0] ? wanted->path : path;
    *object = rts_object_cache_get(search->objects, fd, called, &debug, NULL);
    if (!*object)
        return DIFFERENT;
    enum outcome outcome = check(*object, wanted, is_same_inode);
    if (outcome != FOUND) {
        rts_object_cache_unref(search->objects, *object);
        *object = NULL;
    }
    return outcome;
}

static void build_id_path(char path[BUILD_ID_PATH_SIZE], const char *folder,
                          const struct rts_build_id *build_id)
{
    int length = snprintf(path, BUILD_ID_PATH_SIZE, "%s/%02x/", folder, build_id->bytes[0]);
    for (unsigned i = 1; i < build_id->size; i++)
        length += snprintf(path + length, BUILD_ID_PATH_SIZE - (size_t)length, "%02x",
                           build_id->bytes[i]);
}

/* perf's own copies: DIR/.build-id/XX/YYYY is a link to a folder. */
static enum outcome try_copies(struct rts_file_search *search, const struct rts_wanted_file *wanted,
                               struct rts_object **object)
{
    static const char *const names[] = {"elf", "vdso"};
    enum outcome outcome = MISSING;
    char below[BUILD_ID_PATH_SIZE], path[PATH_MAX];
    bool no_elf;
    if (!search->copies)
        return MISSING;
    build_id_path(below, "/.build-id", &wanted->build_id);
    for (size_t i = 0; i < sizeof names / sizeof *names && outcome != FOUND; i++)
        if (snprintf(path, sizeof path, "%s%s/%s", search->copies, below, names[i]) <
            (int)sizeof path)
            outcome = try_path(search, -1, path, false, wanted, object, &no_elf);
    return outcome;
}

static enum outcome try_build_id(struct rts_file_search *search,
                                 const struct rts_wanted_file *wanted, struct rts_object **object)
{
    static const char *const folders[] = {"/usr/lib/debug/.build-id", "/usr/lib/.build-id",
                                          "/.build-id"};
    bool no_elf;
    char path[BUILD_ID_PATH_SIZE];
    if (wanted->build_id.size < 2)
        return MISSING;
    enum outcome outcome = try_copies(search, wanted, object);
    for (size_t i = 0; i < 2 && outcome != FOUND && search->places != RTS_SEARCH_SYMFS; i++) {
        build_id_path(path, folders[i], &wanted->build_id);
        outcome = try_path(search, -1, path, false, wanted, object, &no_elf);
    }
    for (size_t i = 0; i < 3 && outcome != FOUND && search->symfs >= 0; i++) {
        build_id_path(path, folders[i], &wanted->build_id);
        outcome = try_path(search, search->symfs, path, false, wanted, object, &no_elf);
    }
    return outcome;
}

/* The vDSO is no file; our own is taken when it is the recorded one. */
static enum outcome try_own_vdso(struct rts_file_search *search,
                                 const struct rts_wanted_file *wanted, const char *os_release,
                                 struct rts_object **object)
{
    struct utsname own;
    *object = rts_object_cache_vdso(search->objects);
    if (!*object)
        return MISSING;
    bool same = wanted->build_id.size > 0
                    ? rts_build_id_same(&wanted->build_id, rts_object_build_id(*object))
                    : os_release && uname(&own) == 0 && strcmp(own.release, os_release) == 0;
    if (same)
        return FOUND;
    rts_object_cache_unref(search->objects, *object);
    *object = NULL;
    return wanted->build_id.size > 0 || os_release ? DIFFERENT : UNKNOWN;
}

/* Where programs and libraries lie, the most likely ones first. Those that are links to others of
 * them are passed by. */
static const char *const folders[] = {
    "/usr/bin",   "/usr/sbin",  "/usr/lib/" MULTIARCH,
    "/usr/lib64", "/usr/local", "/opt",
    "/usr/games", "/usr/lib32", "/usr/libexec",
    "/usr/lib",   "/bin",       "/sbin",
    "/lib64",     "/lib32",     "/lib",
};

#define FOLDER_COUNT (sizeof folders / sizeof *folders)

/* Goes through the next folder; false: there is no other. */
static bool scan_further(struct rts_file_search *search)
{
    if (!search->index) {
        search->index = rts_file_index_create();
        if (search->symfs >= 0)
            rts_file_index_scan(search->index, search->symfs, "/", false);
        return true;
    }
    if (search->places != RTS_SEARCH_SYSTEM || search->scanned == FOLDER_COUNT)
        return false;
    rts_file_index_scan(search->index, -1, folders[search->scanned++], true);
    return true;
}

/* A file that may be called anything. */
static enum outcome try_everywhere(struct rts_file_search *search,
                                   const struct rts_wanted_file *wanted, struct rts_object **object)
{
    size_t position = 0;
    bool no_elf;
    int root;
    if (wanted->build_id.size == 0 && !wanted->sha256)
        return UNKNOWN;
    do {
        const char *path;
        while (search->index &&
               (path = rts_file_index_next(search->index, &wanted->build_id, &position, &root)))
            if (try_path(search, root, path, false, wanted, object, &no_elf) == FOUND)
                return FOUND;
    } while (scan_further(search));
    return MISSING;
}

static enum outcome find(struct rts_file_search *search, const struct rts_wanted_file *wanted,
                         const char *os_release, struct rts_object **object, bool *no_elf)
{
    if (try_build_id(search, wanted, object) == FOUND)
        return FOUND;
    if (strcmp(wanted->path, "[vdso]") == 0)
        return search->places == RTS_SEARCH_SYMFS
                   ? MISSING
                   : try_own_vdso(search, wanted, os_release, object);
    if (wanted->path[0] == '\0')
        return try_everywhere(search, wanted, object);
    if (wanted->path[0] != '/')
        return MISSING;
    enum outcome below = MISSING;
    if (search->symfs >= 0)
        below = try_path(search, search->symfs, wanted->path, false, wanted, object, no_elf);
    if (below == FOUND || search->places == RTS_SEARCH_SYMFS)
        return below;
    enum outcome own = try_path(search, -1, wanted->path, true, wanted, object, no_elf);
    return own == MISSING ? below : own;
}

static bool same_seen(const void *item, const void *key)
{
    const struct seen *seen = item;
    const struct rts_wanted_file *wanted = key;
    return rts_build_id_same(&seen->build_id, &wanted->build_id) &&
           strcmp(seen->path, wanted->path) == 0;
}

/* False when it was counted before. */
static bool is_new(struct rts_file_search *search, const struct rts_wanted_file *wanted)
{
    size_t length = strlen(wanted->path);
    uint64_t hash = rts_hash_bytes(wanted->build_id.bytes, wanted->build_id.size,
                                   rts_hash_bytes(wanted->path, length, 0));
    if (rts_table_find(&search->seen, hash, same_seen, wanted))
        return false;
    struct seen *seen = rts_calloc(1, sizeof *seen + length + 1);
    seen->build_id = wanted->build_id;
    memcpy(seen->path, wanted->path, length + 1);
    rts_table_add(&search->seen, hash, seen);
    return true;
}

/* The path is the target's: it must not steer the terminal. */
static void say_missing(const char *path, const char *reason)
{
    char name[200];
    size_t length = 0;
    for (; path[length] && length < sizeof name - 1; length++)
        name[length] =
            (unsigned char)path[length] < ' ' || path[length] == 0x7f ? '?' : path[length];
    name[length] = '\0';
    rts_log("no names for %s: %s", name, reason);
}

static void name_build_id(const struct rts_build_id *build_id, char *name)
{
    name += sprintf(name, "build-id ");
    for (unsigned i = 0; i < build_id->size; i++)
        name += sprintf(name, "%02x", build_id->bytes[i]);
}

static void count(struct rts_file_search *search, const struct rts_wanted_file *wanted,
                  enum outcome outcome)
{
    static const char *const reasons[] = {
        [MISSING] = "it is not there; --symfs DIR tells where else it may be",
        [DIFFERENT] = "what lies there is not the file that was recorded",
        [UNKNOWN] = "the trace does not say what it was",
    };
    uint64_t *const counters[] = {
        [MISSING] = &search->counts.missing,
        [DIFFERENT] = &search->counts.different,
        [UNKNOWN] = &search->counts.unknown,
        [FOUND] = &search->counts.found,
    };
    if (!is_new(search, wanted))
        return;
    ++*counters[outcome];
    if (outcome == FOUND || search->named > NAMED_MAX)
        return;
    char name[sizeof "build-id " + 2 * (size_t)RTS_BUILD_ID_MAX] = "a file";
    if (wanted->build_id.size > 0)
        name_build_id(&wanted->build_id, name);
    if (search->named++ < NAMED_MAX)
        say_missing(wanted->path[0] ? wanted->path : name, reasons[outcome]);
    else
        rts_log("no names for other files either; --stats has their number");
}

struct rts_object *rts_file_search_find(struct rts_file_search *search,
                                        const struct rts_wanted_file *wanted,
                                        const char *os_release, bool *no_elf)
{
    struct rts_object *object = NULL;
    count(search, wanted, find(search, wanted, os_release, &object, no_elf));
    return object;
}
