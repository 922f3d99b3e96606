/* SPDX-License-Identifier: Apache-2.0 */
#include "package/file_package.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "binary/object_content.h"
#include "package/elf_note.h"
#include "package/file_digest.h"
#include "package/language_package.h"
#include "util/cleanup.h"

#define SHA256_SIZE 32

/* Two files may be one behind an overlay, or hold the same bytes. */
static bool same_content(int left, int right)
{
    struct stat a, b;
    uint8_t first[SHA256_SIZE], second[SHA256_SIZE];
    if (fstat(left, &a) < 0 || fstat(right, &b) < 0)
        return false;
    if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        return true;
    return a.st_size == b.st_size && rts_file_digest(left, sizeof first, first) &&
           rts_file_digest(right, sizeof second, second) &&
           memcmp(first, second, sizeof first) == 0;
}

/* Has `path` in the root what is mapped? */
static bool is_in_place(const struct rts_tree *tree, const char *path, int mapped)
{
    RTS_CLOSE int fd = rts_tree_open(tree, path);
    return fd >= 0 && same_content(fd, mapped);
}

/* 1: the mapped file is as the package brought it; 0: it is not; -1: nobody can tell. */
static int matches(const struct rts_package_owner *owner, int mapped)
{
    uint8_t digest[RTS_DIGEST_MAX];
    if (owner->digest_size == 0 || !rts_file_digest(mapped, owner->digest_size, digest))
        return -1;
    return memcmp(digest, owner->digest, owner->digest_size) == 0;
}

static bool same_version(const char *left, const char *right)
{
    const char *a = strchr(left, '@'), *b = strchr(right, '@');
    size_t size = a ? strcspn(a, "?") : 0;
    return a && b && size == strcspn(b, "?") && memcmp(a, b, size) == 0;
}

/* The database tells of what the path has now. That is what is mapped when the bytes are the
 * package's, or when the path still has the mapped file; else the package has moved on. */
static void judge(struct rts_file_package *package, struct rts_package_owner *owner, int mapped,
                  bool in_place)
{
    int same = matches(owner, mapped);
    if (same == 1 || in_place) {
        package->purl = owner->purl;
        package->modified = same == 0;
    } else {
        package->stale = owner->purl;
    }
    owner->purl = NULL;
}

static char *read_language_package(const struct rts_file_place *place)
{
    struct rts_reading reading;
    rts_reading_begin_question(&reading, place->tree);
    return rts_language_package_purl(&reading, place->path);
}

void rts_file_package_read(struct rts_file_package *package, const struct rts_object *object,
                           const struct rts_file_place *place)
{
    int mapped = rts_object_fd(object);
    *package = (struct rts_file_package){0};
    if (mapped < 0)
        return;
    char *note = rts_elf_note_purl(object);
    bool in_place = place->path[0] == '/' && is_in_place(place->tree, place->path, mapped);
    struct rts_package_owner owner = {0};
    if ((in_place || !place->must_match) && place->path[0] == '/' &&
        rts_package_database_owner(place->database, place->databases, place->path, &owner))
        judge(package, &owner, mapped, in_place);
    /* A database names the package that was installed, a note may name the source it was built of:
     * so the note only counts where they differ in more than that. */
    if (note && !(package->purl && same_version(package->purl, note))) {
        free(package->purl);
        package->purl = note;
        package->modified = false;
        note = NULL;
    }
    free(note);
    if (!package->purl && !package->stale && in_place)
        package->purl = read_language_package(place);
    /* What lies there by now need not be what was mapped, nor of that package. */
    if (!rts_object_is_intact(object))
        rts_file_package_finish(package);
}

void rts_file_package_finish(struct rts_file_package *package)
{
    free(package->purl);
    free(package->stale);
    *package = (struct rts_file_package){0};
}
