/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/file_search.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "binary/build_id.h"
#include "binary/elf_image.h"
#include "binary/file_index.h"
#include "binary/file_match.h"
#include "util/cleanup.h"
#include "util/hex.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/open_below.h"
#include "util/table.h"

/* Files without an object that are named; the others are counted. */
#define NAMED_MAX 8

/* Bytes of their names: a path may have thousands, and the reason comes behind it. */
#define SHOWN_MAX 200

/* "/.build-id/XX/YYYY" and some more. */
#define BUILD_ID_PATH_SIZE (2 * RTS_BUILD_ID_MAX + 64)

/* Where Debian and its like keep libraries. */
#if defined(__x86_64__)
#define MULTIARCH "x86_64-linux-gnu"
#else
#define MULTIARCH "aarch64-linux-gnu"
#endif

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

/* How much a place says of what lies there. */
enum place {
    ANYWHERE,   /* nothing */
    IN_PLACE,   /* a file with the same inode is the same */
    POINTED_AT, /* by the user: nothing, or its path is enough where the trace permits that */
};

/* What lies at `path` below `root` (-1: our own), if it is the recorded file. */
static enum rts_file_outcome try_path(struct rts_file_search *search, int root, const char *path,
                                      enum place place, const struct rts_wanted_file *wanted,
                                      struct rts_object **object, bool *no_elf)
{
    bool by_path = place == POINTED_AT && wanted->by_path;
    int fd = rts_open_below(root, path);
    if (fd < 0)
        return RTS_FILE_MISSING;
    bool is_same_inode = place == IN_PLACE && rts_file_same_inode(fd, wanted);
    if (!rts_is_elf(fd)) {
        close(fd);
        *no_elf |= is_same_inode;
        return is_same_inode ? RTS_FILE_FOUND : RTS_FILE_DIFFERENT;
    }
    struct rts_debug_search debug = {.tree = {.root_fd = search->symfs}, .enabled = true};
    const char *called = wanted->path[0] ? wanted->path : path;
    *object = rts_object_cache_get(search->objects, fd, called, &debug, NULL);
    if (!*object)
        return RTS_FILE_UNREADABLE;
    enum rts_file_outcome outcome = rts_file_check(*object, wanted, is_same_inode);
    if (!rts_file_is_there(outcome) && by_path)
        outcome = rts_file_check_by_path(*object, wanted);
    if (!rts_file_is_there(outcome)) {
        rts_object_cache_unref(search->objects, *object);
        *object = NULL;
    }
    return outcome;
}

static void build_id_path(char path[BUILD_ID_PATH_SIZE], const char *folder,
                          const struct rts_build_id *build_id)
{
    char hex[RTS_HEX_SIZE(RTS_BUILD_ID_MAX)];
    rts_hex_write(hex, build_id->bytes, build_id->size);
    snprintf(path, BUILD_ID_PATH_SIZE, "%s/%.2s/%s", folder, hex, hex + 2);
}

/* perf's own copies: DIR/.build-id/XX/YYYY is a link to a folder. */
static enum rts_file_outcome try_copies(struct rts_file_search *search,
                                        const struct rts_wanted_file *wanted,
                                        struct rts_object **object)
{
    static const char *const names[] = {"elf", "vdso"};
    enum rts_file_outcome outcome = RTS_FILE_MISSING;
    char below[BUILD_ID_PATH_SIZE], path[PATH_MAX];
    bool no_elf;
    if (!search->copies)
        return RTS_FILE_MISSING;
    build_id_path(below, "/.build-id", &wanted->build_id);
    for (size_t i = 0; i < sizeof names / sizeof *names && outcome != RTS_FILE_FOUND; i++)
        if (snprintf(path, sizeof path, "%s%s/%s", search->copies, below, names[i]) <
            (int)sizeof path)
            outcome = try_path(search, -1, path, ANYWHERE, wanted, object, &no_elf);
    return outcome;
}

static enum rts_file_outcome try_build_id(struct rts_file_search *search,
                                          const struct rts_wanted_file *wanted,
                                          struct rts_object **object)
{
    static const char *const folders[] = {"/usr/lib/debug/.build-id", "/usr/lib/.build-id",
                                          "/.build-id"};
    bool no_elf;
    char path[BUILD_ID_PATH_SIZE];
    if (wanted->build_id.size < 2)
        return RTS_FILE_MISSING;
    enum rts_file_outcome outcome = try_copies(search, wanted, object);
    for (size_t i = 0; i < 2 && outcome != RTS_FILE_FOUND && search->places != RTS_SEARCH_SYMFS;
         i++) {
        build_id_path(path, folders[i], &wanted->build_id);
        outcome = try_path(search, -1, path, ANYWHERE, wanted, object, &no_elf);
    }
    for (size_t i = 0; i < 3 && outcome != RTS_FILE_FOUND && search->symfs >= 0; i++) {
        build_id_path(path, folders[i], &wanted->build_id);
        outcome = try_path(search, search->symfs, path, ANYWHERE, wanted, object, &no_elf);
    }
    return outcome;
}

/* The vDSO is not a file; our own is taken when it is the recorded one. */
static enum rts_file_outcome try_own_vdso(struct rts_file_search *search,
                                          const struct rts_wanted_file *wanted,
                                          const char *os_release, struct rts_object **object)
{
    struct utsname own;
    *object = rts_object_cache_vdso(search->objects);
    if (!*object)
        return RTS_FILE_MISSING;
    bool same = wanted->build_id.size > 0
                    ? rts_build_id_same(&wanted->build_id, rts_object_build_id(*object))
                    : os_release && uname(&own) == 0 && strcmp(own.release, os_release) == 0;
    if (same)
        return RTS_FILE_FOUND;
    rts_object_cache_unref(search->objects, *object);
    *object = NULL;
    return wanted->build_id.size > 0 || os_release ? RTS_FILE_DIFFERENT : RTS_FILE_UNKNOWN;
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
static enum rts_file_outcome try_everywhere(struct rts_file_search *search,
                                            const struct rts_wanted_file *wanted,
                                            struct rts_object **object)
{
    size_t position = 0;
    bool no_elf;
    int root;
    if (wanted->build_id.size == 0 && !wanted->sha256)
        return RTS_FILE_UNKNOWN;
    do {
        const char *path;
        while (search->index &&
               (path = rts_file_index_next(search->index, &wanted->build_id, &position, &root)))
            if (try_path(search, root, path, ANYWHERE, wanted, object, &no_elf) == RTS_FILE_FOUND)
                return RTS_FILE_FOUND;
    } while (scan_further(search));
    return RTS_FILE_MISSING;
}

/* The one file of this name below DIR, however deep, that can be it. */
static enum rts_file_outcome try_name(struct rts_file_search *search, const char *name,
                                      const struct rts_wanted_file *wanted,
                                      struct rts_object **object)
{
    size_t position = 0;
    int root;
    bool no_elf;
    enum rts_file_outcome outcome = RTS_FILE_MISSING;
    if (!search->index)
        scan_further(search);
    for (const char *path;
         (path = rts_file_index_next_named(search->index, name, &position, &root));) {
        struct rts_object *other = NULL;
        if (root != search->symfs)
            continue;
        enum rts_file_outcome found =
            try_path(search, root, path, POINTED_AT, wanted, &other, &no_elf);
        if (!rts_file_is_there(found)) {
            outcome = outcome == RTS_FILE_MISSING ? found : outcome;
            continue;
        }
        if (*object && *object != other) {
            rts_object_cache_unref(search->objects, *object);
            rts_object_cache_unref(search->objects, other);
            *object = NULL;
            return RTS_FILE_SEVERAL;
        }
        if (*object)
            rts_object_cache_unref(search->objects, other);
        *object = other;
        outcome = found;
    }
    return outcome;
}

/* Below DIR: at its path, by its name alone. */
static enum rts_file_outcome try_below(struct rts_file_search *search,
                                       const struct rts_wanted_file *wanted,
                                       struct rts_object **object, bool *no_elf)
{
    const char *name = strrchr(wanted->path, '/');
    if (search->symfs < 0)
        return RTS_FILE_MISSING;
    enum rts_file_outcome outcome =
        try_path(search, search->symfs, wanted->path, POINTED_AT, wanted, object, no_elf);
    if (rts_file_is_there(outcome) || name[1] == '\0')
        return outcome;
    enum rts_file_outcome by_name = RTS_FILE_MISSING;
    if (name != wanted->path)
        by_name = try_path(search, search->symfs, name, POINTED_AT, wanted, object, no_elf);
    if (by_name == RTS_FILE_MISSING && outcome == RTS_FILE_MISSING && wanted->by_path)
        by_name = try_name(search, name + 1, wanted, object);
    return by_name == RTS_FILE_MISSING ? outcome : by_name;
}

/* At its path here. The kernel puts " (deleted)" behind the path of a file that is gone, which is
 * taken off; the file whose name ends so by itself is the one with the recorded inode. */
static enum rts_file_outcome try_in_place(struct rts_file_search *search,
                                          const struct rts_wanted_file *wanted,
                                          struct rts_object **object, bool *no_elf)
{
    char path[PATH_MAX];
    enum rts_file_outcome outcome =
        try_path(search, -1, wanted->path, IN_PLACE, wanted, object, no_elf);
    if (outcome == RTS_FILE_MISSING &&
        snprintf(path, sizeof path, "%s (deleted)", wanted->path) < (int)sizeof path)
        outcome = try_path(search, -1, path, IN_PLACE, wanted, object, no_elf);
    return outcome;
}

/* A file that has a path. */
static enum rts_file_outcome find_at_path(struct rts_file_search *search,
                                          const struct rts_wanted_file *wanted,
                                          struct rts_object **object, bool *no_elf)
{
    /* The very file in its place is better than one that can only be believed to be it. */
    enum rts_file_outcome below =
        wanted->by_path ? RTS_FILE_MISSING : try_below(search, wanted, object, no_elf);
    if (rts_file_is_there(below))
        return below;
    enum rts_file_outcome own = RTS_FILE_MISSING;
    if (search->places != RTS_SEARCH_SYMFS)
        own = try_in_place(search, wanted, object, no_elf);
    if (rts_file_is_there(own) || !wanted->by_path)
        return own == RTS_FILE_MISSING ? below : own;
    below = try_below(search, wanted, object, no_elf);
    return below == RTS_FILE_MISSING ? own : below;
}

static enum rts_file_outcome find(struct rts_file_search *search,
                                  const struct rts_wanted_file *wanted, const char *os_release,
                                  struct rts_object **object, bool *no_elf)
{
    struct rts_wanted_file known = *wanted;
    known.by_path = wanted->by_path && wanted->build_id.size == 0 && !wanted->sha256;
    /* A file of the same path and build-id is the recorded one. What has the build-id alone may be
     * another file that claims it, and was put among perf's copies when that ran. */
    enum rts_file_outcome at_path = RTS_FILE_MISSING;
    if (wanted->path[0] == '/')
        at_path = find_at_path(search, &known, object, no_elf);
    if (rts_file_is_there(at_path))
        return at_path;
    if (try_build_id(search, wanted, object) == RTS_FILE_FOUND)
        return RTS_FILE_FOUND;
    if (strcmp(wanted->path, "[vdso]") == 0)
        return search->places == RTS_SEARCH_SYMFS
                   ? RTS_FILE_MISSING
                   : try_own_vdso(search, wanted, os_release, object);
    if (wanted->path[0] == '\0')
        return try_everywhere(search, wanted, object);
    return at_path;
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

static void name_build_id(const struct rts_build_id *build_id, char *name)
{
    name += sprintf(name, "build-id ");
    rts_hex_write(name, build_id->bytes, build_id->size);
}

/* Why there is no object, and what helps. */
static const char *reason_of(const struct rts_file_search *search,
                             const struct rts_wanted_file *wanted, enum rts_file_outcome outcome)
{
    static const char *const reasons[] = {
        [RTS_FILE_MISSING] = "it is not there; --symfs DIR tells where else it may be",
        [RTS_FILE_DIFFERENT] = "what lies there is not the file that was recorded",
        [RTS_FILE_UNREADABLE] =
            "what lies there is an ELF file of another kind of machine (32 bits?), or damaged",
        [RTS_FILE_UNKNOWN] = "the trace does not say what it was: it has no build-id of it",
        [RTS_FILE_SEVERAL] =
            "several files of this name can be it; --symfs DIR with one of them tells which",
        [RTS_FILE_UNLIKE] =
            "what lies there is not the file that was recorded: its code is not mapped like "
            "this",
    };
    bool would_help = wanted->by_path && wanted->build_id.size == 0 && search->symfs < 0;
    if (would_help && outcome != RTS_FILE_MISSING)
        return "the trace has no build-ids to tell it by; --symfs DIR, with the right one below "
               "it, "
               "does";
    return reasons[outcome];
}

static void count(struct rts_file_search *search, const struct rts_wanted_file *wanted,
                  enum rts_file_outcome outcome)
{
    uint64_t *const counters[] = {
        [RTS_FILE_MISSING] = &search->counts.missing,
        [RTS_FILE_DIFFERENT] = &search->counts.different,
        [RTS_FILE_UNREADABLE] = &search->counts.different,
        [RTS_FILE_UNKNOWN] = &search->counts.unknown,
        [RTS_FILE_SEVERAL] = &search->counts.unknown,
        [RTS_FILE_UNLIKE] = &search->counts.different,
        [RTS_FILE_BY_PATH] = &search->counts.by_path,
        [RTS_FILE_FOUND] = &search->counts.found,
    };
    if (!is_new(search, wanted))
        return;
    ++*counters[outcome];
    if (rts_file_is_there(outcome) || search->named > NAMED_MAX)
        return;
    char name[sizeof "build-id " + 2 * (size_t)RTS_BUILD_ID_MAX] = "a file";
    if (wanted->build_id.size > 0)
        name_build_id(&wanted->build_id, name);
    if (search->named++ < NAMED_MAX)
        rts_log("no names for %.*s: %s", SHOWN_MAX, wanted->path[0] ? wanted->path : name,
                reason_of(search, wanted, outcome));
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
