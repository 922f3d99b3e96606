/* SPDX-License-Identifier: Apache-2.0 */
#include "package/rpm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "package/line_reader.h"
#include "package/merged_usr.h"
#include "package/path_index.h"
#include "package/purl.h"
#include "util/clock.h"
#include "util/hex.h"
#include "util/memory.h"
#include "util/share.h"

/* More than any distribution has; what comes after is not known. */
#define PACKAGES_MAX 100000

/* Packages that may own one path, hash collisions included. */
#define SUSPECTS_MAX 32

/* Names, versions and architectures are short. */
#define WORD_SIZE 256

/* How long samples are left waiting, and how many lines or steps there are between two looks at the
 * clock. */
#define PART_NS    20000000ULL
#define PART_STEPS 4096

struct rts_rpm {
    int list;           /* package/rpm_listing.h */
    uint64_t *packages; /* offset of the first line of each */
    size_t count, capacity;
    struct rts_path_index index;
    struct rts_merged_usr usr;
    struct rts_reading reading;     /* until it is indexed; it pauses between two parts */
    struct rts_line_reader *reader; /* likewise */
    bool read;                      /* the whole list */
};

struct package {
    char name[WORD_SIZE], epoch[WORD_SIZE], version[WORD_SIZE], arch[WORD_SIZE];
};

static struct rts_line_reader *read_from(const struct rts_rpm *rpm, struct rts_reading *reading,
                                         uint64_t offset)
{
    int fd = fcntl(rpm->list, F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? NULL : rts_line_reader_take(reading, fd, offset);
}

/* The path in "F <tab> digest <tab> path"; NULL of another line. */
static const char *file_path(const char *line)
{
    return line[0] == 'F' && line[1] == '\t' && strchr(line + 2, '\t') ? strchr(line + 2, '\t') + 1
                                                                       : NULL;
}

/* False: there is no more. */
static bool read_line(struct rts_rpm *rpm)
{
    const char *line = rpm->reader ? rts_line_reader_next(rpm->reader) : NULL;
    const char *path = line ? file_path(line) : NULL;
    if (!line)
        return false;
    if (path && rpm->count > 0) {
        rts_path_index_add(&rpm->index, path, strlen(path), (uint32_t)(rpm->count - 1));
    } else if (line[0] == 'P') {
        if (rpm->count >= PACKAGES_MAX)
            return false;
        rpm->packages = rts_grow(rpm->packages, rpm->count, &rpm->capacity, sizeof *rpm->packages);
        rpm->packages[rpm->count++] = rpm->reader->offset;
    }
    return true;
}

/* True: all is done. */
static bool do_part(struct rts_rpm *rpm)
{
    for (int i = 0; !rpm->read && i < PART_STEPS; i++)
        rpm->read = !read_line(rpm);
    if (!rpm->read)
        return false;
    rts_line_reader_close(rpm->reader);
    rpm->reader = NULL;
    /* It takes CPU time, too. */
    return !rts_reading_take(&rpm->reading, 0) || rts_path_index_sort_some(&rpm->index, PART_STEPS);
}

struct rts_rpm *rts_rpm_begin(const struct rts_reading *reading, int list)
{
    struct rts_rpm *rpm = rts_calloc(1, sizeof *rpm);
    rpm->list = list;
    rpm->reading = *reading;
    rpm->reader = read_from(rpm, &rpm->reading, 0);
    rts_reading_pause(&rpm->reading);
    return rpm;
}

bool rts_rpm_go_on(struct rts_rpm *rpm, const struct rts_tree *tree, bool *failed)
{
    const uint64_t end = rts_clock_monotonic_ns() + PART_NS;
    bool done = false;
    rpm->reading.tree = *tree;
    rts_reading_go_on(&rpm->reading);
    while (!done && rts_clock_monotonic_ns() < end)
        done = do_part(rpm);
    if (done && !rpm->reading.spent)
        rts_merged_usr_read(&rpm->reading, &rpm->usr);
    *failed = rpm->reading.spent;
    rts_reading_pause(&rpm->reading);
    return done;
}

struct rts_rpm *rts_rpm_take(struct rts_reading *reading, int list, bool *failed)
{
    struct rts_rpm *rpm = rts_rpm_begin(reading, list);
    while (!rts_rpm_go_on(rpm, &reading->tree, failed))
        continue;
    reading->spent = *failed;
    if (!*failed)
        return rpm;
    rts_rpm_destroy(rpm);
    return NULL;
}

size_t rts_rpm_bytes(const struct rts_rpm *rpm)
{
    return rpm ? rts_heap_bytes(sizeof *rpm) + rts_path_index_bytes(&rpm->index) +
                     rts_heap_bytes(rpm->capacity * sizeof *rpm->packages)
               : 0;
}

void rts_rpm_destroy(struct rts_rpm *rpm)
{
    if (!rpm)
        return;
    rts_line_reader_close(rpm->reader);
    close(rpm->list);
    free(rpm->packages);
    rts_path_index_finish(&rpm->index);
    free(rpm);
}

static void take_package(char *line, struct package *package)
{
    char *const words[] = {package->name, package->epoch, package->version, package->arch};
    char *rest = line + 1;
    rest += *rest == '\t';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *word = strsep(&rest, "\t");
        words[i][0] = '\0';
        if (word && strlen(word) < WORD_SIZE)
            memcpy(words[i], word, strlen(word) + 1);
    }
}

static void take_digest(const char *line, const char *path, struct rts_package_owner *owner)
{
    const char *hex = line + 2;
    size_t size = (size_t)(path - 1 - hex) / 2;
    bool known = size == 16 || size == 20 || size == 32 || size == 64;
    owner->digest_size = known && rts_hex_read(owner->digest, hex, size) ? size : 0;
}

/* Reads the package at `offset`: does it bring `path`? */
static bool has_path(const struct rts_rpm *rpm, struct rts_reading *reading, uint64_t offset,
                     const char *path, struct package *package, struct rts_package_owner *owner)
{
    struct rts_line_reader *reader = read_from(rpm, reading, offset);
    char *line = reader ? rts_line_reader_next(reader) : NULL;
    bool found = false;
    if (line && line[0] == 'P')
        take_package(line, package);
    while (line && !found && (line = rts_line_reader_next(reader)) && line[0] == 'F') {
        const char *listed = file_path(line);
        found = listed && strcmp(listed, path) == 0;
        if (found)
            take_digest(line, listed, owner);
    }
    rts_line_reader_close(reader);
    return found;
}

struct question {
    const struct rts_rpm *rpm;
    struct rts_reading *reading;
    uint64_t found; /* offset of its package, and one more; 0: none yet */
    bool several;
    struct package package;
    struct rts_package_owner *owner;
};

static void ask(struct question *question, const char *path)
{
    const struct rts_rpm *rpm = question->rpm;
    uint32_t suspects[SUSPECTS_MAX];
    size_t count = rts_path_index_find(&rpm->index, path, suspects, SUSPECTS_MAX);
    for (size_t i = 0; i < count; i++) {
        uint64_t offset = rpm->packages[suspects[i]];
        struct package package;
        struct rts_package_owner owner = {0};
        if (question->found == offset + 1 ||
            !has_path(rpm, question->reading, offset, path, &package, &owner))
            continue;
        question->several = question->several || question->found;
        question->found = offset + 1;
        question->package = package;
        *question->owner = owner;
    }
}

bool rts_rpm_owner(const struct rts_rpm *rpm, struct rts_reading *reading,
                   const struct rts_os_release *os, const char *path,
                   struct rts_package_owner *owner)
{
    char other[PATH_MAX], distro[2 * RTS_OS_WORD_SIZE] = "";
    struct question question = {.rpm = rpm, .reading = reading, .owner = owner};
    *owner = (struct rts_package_owner){0};
    ask(&question, path);
    if (rts_merged_usr_other(&rpm->usr, path, other))
        ask(&question, other);
    if (!question.found || question.several || !os->id[0])
        return false;
    if (os->version_id[0])
        snprintf(distro, sizeof distro, "%s-%s", os->id, os->version_id);
    struct rts_purl purl = {
        .type = "rpm",
        .space = os->id,
        .name = question.package.name,
        .version = question.package.version,
        .arch = question.package.arch,
        .distro = distro,
        .epoch = question.package.epoch,
    };
    owner->purl = rts_purl_format(&purl);
    return owner->purl != NULL;
}
