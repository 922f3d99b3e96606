/* SPDX-License-Identifier: Apache-2.0 */
#include "package/apk.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "package/line_reader.h"
#include "package/path_index.h"
#include "package/purl.h"
#include "util/memory.h"
#include "util/share.h"

/* More than the archive has; what comes after is not known. */
#define PACKAGES_MAX 100000

/* Packages that may own one path, hash collisions included. */
#define SUSPECTS_MAX 32

/* Names, versions and architectures are short. */
#define WORD_SIZE 256

static const char *const places[] = {"/lib/apk/db/installed", "/usr/lib/apk/db/installed"};

struct rts_apk {
    const char *place;
    uint64_t *packages; /* offset of the first line of each */
    size_t count, capacity;
    struct rts_path_index index;
};

/* What the lines of one package have said so far. */
struct stanza {
    char name[WORD_SIZE], version[WORD_SIZE], arch[WORD_SIZE];
    char folder[PATH_MAX];
    char path[PATH_MAX]; /* of the last R: line */
};

static void copy_word(char *to, size_t room, const char *from)
{
    size_t size = strlen(from);
    if (size >= room)
        size = 0;
    memcpy(to, from, size);
    to[size] = '\0';
}

/* Takes one line in; returns its letter, or '\0' for what is no "X:…" line. */
static char take_line(struct stanza *stanza, const char *line)
{
    if (!line[0] || line[1] != ':')
        return '\0';
    const char *value = line + 2;
    switch (line[0]) {
    case 'P': copy_word(stanza->name, sizeof stanza->name, value); break;
    case 'V': copy_word(stanza->version, sizeof stanza->version, value); break;
    case 'A': copy_word(stanza->arch, sizeof stanza->arch, value); break;
    case 'F': copy_word(stanza->folder, sizeof stanza->folder, value); break;
    case 'R': {
        int size = snprintf(stanza->path, sizeof stanza->path, "%s%s/%s",
                            stanza->folder[0] ? "/" : "", stanza->folder, value);
        if (size < 0 || (size_t)size >= sizeof stanza->path)
            stanza->path[0] = '\0';
        break;
    }
    default: break;
    }
    return line[0];
}

static void add_package(struct rts_apk *apk, uint64_t offset)
{
    apk->packages = rts_grow(apk->packages, apk->count, &apk->capacity, sizeof *apk->packages);
    apk->packages[apk->count++] = offset;
}

static void read_all(struct rts_apk *apk, struct rts_line_reader *reader)
{
    struct stanza stanza = {0};
    bool inside = false;
    const char *line;
    while ((line = rts_line_reader_next(reader))) {
        if (!*line) {
            inside = false;
            continue;
        }
        if (!inside) {
            if (apk->count >= PACKAGES_MAX)
                return;
            add_package(apk, reader->offset);
            stanza = (struct stanza){0};
            inside = true;
        }
        if (take_line(&stanza, line) == 'R' && stanza.path[0])
            rts_path_index_add(&apk->index, stanza.path, strlen(stanza.path),
                               (uint32_t)(apk->count - 1));
    }
}

struct rts_apk *rts_apk_create(struct rts_reading *reading)
{
    struct rts_line_reader *reader = NULL;
    const char *place = NULL;
    for (size_t i = 0; !reader && i < sizeof places / sizeof *places; i++) {
        place = places[i];
        reader = rts_line_reader_open(reading, place, 0);
    }
    if (!reader)
        return NULL;
    struct rts_apk *apk = rts_calloc(1, sizeof *apk);
    apk->place = place;
    read_all(apk, reader);
    rts_line_reader_close(reader);
    if (reading->spent) {
        rts_apk_destroy(apk);
        return NULL;
    }
    rts_path_index_sort(&apk->index);
    return apk;
}

size_t rts_apk_bytes(const struct rts_apk *apk)
{
    return apk ? rts_heap_bytes(sizeof *apk) + rts_path_index_bytes(&apk->index) +
                     rts_heap_bytes(apk->capacity * sizeof *apk->packages)
               : 0;
}

void rts_apk_destroy(struct rts_apk *apk)
{
    if (!apk)
        return;
    rts_path_index_finish(&apk->index);
    free(apk->packages);
    free(apk);
}

/* "Q1" and the SHA-1, or "Q2" and the SHA-256, in base64. */
static void take_checksum(const char *text, struct rts_package_owner *owner)
{
    uint8_t decoded[48];
    size_t wanted = strncmp(text, "Q1", 2) == 0 ? 20 : strncmp(text, "Q2", 2) == 0 ? 32 : 0;
    size_t size = wanted ? strlen(text + 2) : 0;
    if (size == 0 || size != (wanted + 2) / 3 * 4 ||
        EVP_DecodeBlock(decoded, (const uint8_t *)text + 2, (int)size) < (int)wanted)
        return;
    memcpy(owner->digest, decoded, wanted);
    owner->digest_size = wanted;
}

/* Reads the package at `offset`: does it bring `path`? */
static bool has_path(const struct rts_apk *apk, struct rts_reading *reading, uint64_t offset,
                     const char *path, struct stanza *stanza, struct rts_package_owner *owner)
{
    struct rts_line_reader *reader = rts_line_reader_open(reading, apk->place, offset);
    bool found = false, here = false;
    const char *line;
    *stanza = (struct stanza){0};
    while (reader && (line = rts_line_reader_next(reader)) && *line) {
        char letter = take_line(stanza, line);
        if (letter == 'R') {
            here = strcmp(stanza->path, path) == 0;
            found = found || here;
        } else if (letter == 'F') {
            here = false;
        } else if (letter == 'Z' && here) {
            take_checksum(line + 2, owner);
        }
    }
    rts_line_reader_close(reader);
    return found;
}

bool rts_apk_owner(const struct rts_apk *apk, struct rts_reading *reading,
                   const struct rts_os_release *os, const char *path,
                   struct rts_package_owner *owner)
{
    uint32_t suspects[SUSPECTS_MAX];
    size_t count = rts_path_index_find(&apk->index, path, suspects, SUSPECTS_MAX);
    *owner = (struct rts_package_owner){0};
    for (size_t i = 0; i < count; i++) {
        struct stanza stanza;
        struct rts_package_owner candidate = {0};
        if ((i > 0 && suspects[i] == suspects[i - 1]) ||
            !has_path(apk, reading, apk->packages[suspects[i]], path, &stanza, &candidate))
            continue;
        if (owner->purl) {
            free(owner->purl);
            *owner = (struct rts_package_owner){0};
            return false;
        }
        struct rts_purl purl = {
            .type = "apk",
            .space = os->id,
            .name = stanza.name,
            .version = stanza.version,
            .arch = stanza.arch,
        };
        *owner = candidate;
        owner->purl = os->id[0] ? rts_purl_format(&purl) : NULL;
    }
    return owner->purl != NULL;
}
