/* SPDX-License-Identifier: Apache-2.0 */
#include "package/dpkg.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "package/dpkg_state.h"
#include "package/purl.h"
#include "util/hex.h"
#include "util/memory.h"
#include "util/share.h"

/* Packages that may own one path, hash collisions included. */
#define SUSPECTS_MAX 32

struct rts_dpkg *rts_dpkg_create(struct rts_reading *reading)
{
    struct rts_dpkg *dpkg = rts_calloc(1, sizeof *dpkg);
    if (rts_dpkg_read(dpkg, reading) && !reading->spent)
        return dpkg;
    rts_dpkg_destroy(dpkg);
    return NULL;
}

void rts_dpkg_destroy(struct rts_dpkg *dpkg)
{
    if (!dpkg)
        return;
    for (size_t i = 0; i < dpkg->count; i++) {
        free(dpkg->packages[i].name);
        free(dpkg->packages[i].version);
        free(dpkg->packages[i].arch);
        free(dpkg->packages[i].files);
    }
    for (size_t i = 0; i < dpkg->diversion_count; i++) {
        free(dpkg->diversions[i].from);
        free(dpkg->diversions[i].to);
        free(dpkg->diversions[i].package);
    }
    free(dpkg->packages);
    free(dpkg->diversions);
    rts_path_index_finish(&dpkg->index);
    free(dpkg);
}

static size_t text_bytes(const char *text)
{
    return rts_heap_bytes(strlen(text) + 1);
}

size_t rts_dpkg_bytes(const struct rts_dpkg *dpkg)
{
    if (!dpkg)
        return 0;
    size_t bytes = rts_heap_bytes(sizeof *dpkg) + rts_path_index_bytes(&dpkg->index) +
                   rts_heap_bytes(dpkg->capacity * sizeof *dpkg->packages) +
                   rts_heap_bytes(dpkg->diversion_capacity * sizeof *dpkg->diversions);
    for (size_t i = 0; i < dpkg->count; i++) {
        const struct rts_dpkg_package *package = &dpkg->packages[i];
        bytes += text_bytes(package->name) + text_bytes(package->version) +
                 text_bytes(package->arch) + text_bytes(package->files);
    }
    for (size_t i = 0; i < dpkg->diversion_count; i++) {
        const struct rts_dpkg_diversion *diversion = &dpkg->diversions[i];
        bytes += text_bytes(diversion->from) + text_bytes(diversion->to) +
                 text_bytes(diversion->package);
    }
    return bytes;
}

/* ---- asking ---- */

static struct rts_line_reader *open_list(struct rts_reading *reading, const char *files,
                                         const char *suffix)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s%s", files, suffix);
    return size > 0 && (size_t)size < sizeof path ? rts_line_reader_open(reading, path, 0) : NULL;
}

/* Is `path` in the list of the package? *digest_size is 16 when its MD5 is known. */
static bool has_path(const struct rts_dpkg_package *package, struct rts_reading *reading,
                     const char *path, struct rts_package_owner *owner)
{
    bool found = false;
    char *line;
    struct rts_line_reader *list =
        package->only_md5sums ? NULL : open_list(reading, package->files, ".list");
    while (list && !found && (line = rts_line_reader_next(list)))
        found = strcmp(line, path) == 0;
    rts_line_reader_close(list);
    if (!found && !package->only_md5sums)
        return false;
    list = open_list(reading, package->files, ".md5sums");
    while (list && owner->digest_size == 0 && (line = rts_line_reader_next(list))) {
        uint8_t digest[16];
        if (!rts_hex_read(digest, line, sizeof digest))
            continue;
        const char *listed = rts_dpkg_md5sums_path(line);
        if (!listed || strcmp(listed, path) != 0)
            continue;
        memcpy(owner->digest, digest, sizeof digest);
        owner->digest_size = sizeof digest;
        found = true;
    }
    rts_line_reader_close(list);
    return found;
}

struct question {
    const struct rts_dpkg *dpkg;
    struct rts_reading *reading;
    const struct rts_dpkg_package *found;
    bool several;
    struct rts_package_owner *owner;
};

/* Looks for packages that brought `path`: only `only`, or any but `but`, where these are not NULL.
 */
static void ask(struct question *question, const char *path, const char *only, const char *but)
{
    const struct rts_dpkg *dpkg = question->dpkg;
    uint32_t suspects[SUSPECTS_MAX];
    size_t count = rts_path_index_find(&dpkg->index, path, suspects, SUSPECTS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct rts_dpkg_package *package = &dpkg->packages[suspects[i]];
        if (package == question->found || (only && strcmp(package->name, only) != 0) ||
            (but && strcmp(package->name, but) == 0))
            continue;
        struct rts_package_owner owner = {0};
        if (!has_path(package, question->reading, path, &owner))
            continue;
        question->several = question->several || question->found;
        question->found = package;
        *question->owner = owner;
    }
}

/* What lies at `path` was called otherwise in its package when that was diverted. */
static void ask_diverted(struct question *question, const char *path)
{
    const struct rts_dpkg *dpkg = question->dpkg;
    for (size_t i = 0; i < dpkg->diversion_count; i++) {
        const struct rts_dpkg_diversion *diversion = &dpkg->diversions[i];
        if (strcmp(diversion->to, path) == 0) {
            ask(question, diversion->from, NULL, diversion->package);
            return;
        }
        if (strcmp(diversion->from, path) == 0) {
            ask(question, path, diversion->package, NULL);
            return;
        }
    }
    ask(question, path, NULL, NULL);
}

bool rts_dpkg_owner(const struct rts_dpkg *dpkg, struct rts_reading *reading,
                    const struct rts_os_release *os, const char *path,
                    struct rts_package_owner *owner)
{
    char other[PATH_MAX];
    struct question question = {.dpkg = dpkg, .reading = reading, .owner = owner};
    *owner = (struct rts_package_owner){0};
    ask_diverted(&question, path);
    if (rts_merged_usr_other(&dpkg->usr, path, other))
        ask_diverted(&question, other);
    if (!question.found || question.several || !os->id[0])
        return false;
    struct rts_purl purl = {
        .type = "deb",
        .space = os->id,
        .name = question.found->name,
        .version = question.found->version,
        .arch = question.found->arch,
    };
    owner->purl = rts_purl_format(&purl);
    return owner->purl != NULL;
}
