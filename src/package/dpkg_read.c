/* SPDX-License-Identifier: Apache-2.0 */
#include "package/dpkg_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/memory.h"

#define INFO     "/var/lib/dpkg/info"
#define STATUS_D "/var/lib/dpkg/status.d"

/* More packages than the archive has; what comes after is not known. */
#define PACKAGES_MAX 100000

/* A machine has a few dozen. */
#define DIVERSIONS_MAX 10000

/* Names, versions and architectures are short. */
#define WORD_SIZE 256

/* "NAME:ARCH.list", "NAME.md5sums". */
#define FILE_NAME_SIZE (2 * WORD_SIZE + 16)

struct stanza {
    char name[WORD_SIZE], version[WORD_SIZE], arch[WORD_SIZE], status[WORD_SIZE];
    bool same; /* Multi-Arch: same */
};

static void take_field(const char *line, const char *field, char value[WORD_SIZE])
{
    size_t size = strlen(field);
    if (strncasecmp(line, field, size) != 0)
        return;
    line += size + strspn(line + size, " \t");
    if (strlen(line) < WORD_SIZE)
        strcpy(value, line);
}

/* Reads one stanza; false at the end of the file. */
static bool read_stanza(struct rts_line_reader *reader, struct stanza *stanza)
{
    char multi_arch[WORD_SIZE] = "";
    const char *line;
    bool any = false;
    *stanza = (struct stanza){0};
    while ((line = rts_line_reader_next(reader)) && *line) {
        any = true;
        take_field(line, "Package:", stanza->name);
        take_field(line, "Version:", stanza->version);
        take_field(line, "Architecture:", stanza->arch);
        take_field(line, "Status:", stanza->status);
        take_field(line, "Multi-Arch:", multi_arch);
    }
    stanza->same = strcmp(multi_arch, "same") == 0;
    return any || line;
}

/* Names become parts of paths: nothing that leads elsewhere. */
static bool is_file_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/');
}

/* `folder`/`files` is the path of its lists, without what they end with. */
static void add_package(struct rts_dpkg *dpkg, const struct stanza *stanza, const char *folder,
                        const char *files, bool only_md5sums)
{
    size_t size = strlen(folder) + 1 + strlen(files) + 1;
    char *path = rts_calloc(size, 1);
    snprintf(path, size, "%s/%s", folder, files);
    dpkg->packages = rts_grow(dpkg->packages, dpkg->count, &dpkg->capacity, sizeof *dpkg->packages);
    dpkg->packages[dpkg->count++] = (struct rts_dpkg_package){
        .name = rts_strdup(stanza->name),
        .version = rts_strdup(stanza->version),
        .arch = rts_strdup(stanza->arch),
        .files = path,
        .only_md5sums = only_md5sums,
    };
}

/* Packages whose lists are opened with one question. */
struct batch {
    struct stanza stanzas[RTS_TREE_BATCH];
    char names[RTS_TREE_BATCH][FILE_NAME_SIZE];
    int fds[RTS_TREE_BATCH];
    size_t count;
};

/* Opens those that are not open yet, by their names with `end` behind them. */
static void open_lists(struct batch *batch, struct rts_reading *reading, const char *folder,
                       const char *end)
{
    char texts[RTS_TREE_BATCH][FILE_NAME_SIZE + 16];
    const char *names[RTS_TREE_BATCH];
    size_t places[RTS_TREE_BATCH], count = 0;
    int fds[RTS_TREE_BATCH];
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->fds[i] >= 0)
            continue;
        snprintf(texts[count], sizeof texts[count], "%s%s", batch->names[i], end);
        names[count] = texts[count];
        places[count++] = i;
    }
    if (count > 0)
        rts_tree_open_each(&reading->tree, folder, names, count, fds);
    for (size_t i = 0; i < count; i++)
        batch->fds[places[i]] = fds[i];
}

/* ---- status, with info/ ---- */

static bool has_files(const char *status)
{
    const char *state = strrchr(status, ' ');
    return state && strcmp(state, " not-installed") != 0 && strcmp(state, " config-files") != 0;
}

static void index_list(struct rts_dpkg *dpkg, struct rts_reading *reading, int fd)
{
    struct rts_line_reader *list = rts_line_reader_take(reading, fd, 0);
    const char *line;
    while ((line = rts_line_reader_next(list)))
        if (line[0] == '/')
            rts_path_index_add(&dpkg->index, line, strlen(line), (uint32_t)(dpkg->count - 1));
    rts_line_reader_close(list);
}

/* "NAME:ARCH" or "NAME", whichever has a list: the likelier one is tried first. */
static void name_lists(struct batch *batch, bool likely)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct stanza *stanza = &batch->stanzas[i];
        bool with_arch = stanza->same == likely;
        if (batch->fds[i] < 0)
            snprintf(batch->names[i], sizeof batch->names[i], "%s%s%s", stanza->name,
                     with_arch ? ":" : "", with_arch ? stanza->arch : "");
    }
}

static void take_batch(struct rts_dpkg *dpkg, struct rts_reading *reading, struct batch *batch)
{
    for (int round = 0; round < 2; round++) {
        name_lists(batch, round == 0);
        open_lists(batch, reading, INFO, ".list");
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->fds[i] < 0)
            continue;
        add_package(dpkg, &batch->stanzas[i], INFO, batch->names[i], false);
        index_list(dpkg, reading, batch->fds[i]);
    }
    batch->count = 0;
}

static bool read_status(struct rts_dpkg *dpkg, struct rts_reading *reading, struct batch *batch)
{
    struct rts_line_reader *reader = rts_line_reader_open(reading, "/var/lib/dpkg/status", 0);
    if (!reader)
        return false;
    for (struct stanza *stanza = batch->stanzas;
         dpkg->count + batch->count < PACKAGES_MAX && read_stanza(reader, stanza);
         stanza = &batch->stanzas[batch->count]) {
        if (!is_file_name(stanza->name) || !is_file_name(stanza->arch) ||
            !has_files(stanza->status))
            continue;
        batch->fds[batch->count++] = -1;
        if (batch->count == RTS_TREE_BATCH)
            take_batch(dpkg, reading, batch);
    }
    take_batch(dpkg, reading, batch);
    rts_line_reader_close(reader);
    return true;
}

/* ---- status.d ---- */

char *rts_dpkg_md5sums_path(char *line)
{
    size_t digits = strspn(line, "0123456789abcdefABCDEF");
    if (digits != 32 || (line[32] != ' ' && line[32] != '\t'))
        return NULL;
    char *path = line + 33;
    path += *path == ' ' || *path == '*';
    if (path[0] == '.' && path[1] == '/')
        path++;
    path += *path == '/';
    path[-1] = '/';
    return path - 1;
}

static void index_md5sums(struct rts_dpkg *dpkg, struct rts_reading *reading, int fd)
{
    struct rts_line_reader *list = rts_line_reader_take(reading, fd, 0);
    char *line;
    while ((line = rts_line_reader_next(list))) {
        const char *path = rts_dpkg_md5sums_path(line);
        if (path)
            rts_path_index_add(&dpkg->index, path, strlen(path), (uint32_t)(dpkg->count - 1));
    }
    rts_line_reader_close(list);
}

/* Reads what is open; what is not a description of a package goes. */
static void read_descriptions(struct rts_reading *reading, struct batch *batch)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct stanza *stanza = &batch->stanzas[kept];
        if (batch->fds[i] < 0)
            continue;
        struct rts_line_reader *reader = rts_line_reader_take(reading, batch->fds[i], 0);
        bool good = read_stanza(reader, stanza) && *stanza->name;
        rts_line_reader_close(reader);
        if (!good)
            continue;
        memmove(batch->names[kept], batch->names[i], sizeof batch->names[i]);
        batch->fds[kept++] = -1;
    }
    batch->count = kept;
}

static void take_descriptions(struct rts_dpkg *dpkg, struct rts_reading *reading,
                              struct batch *batch)
{
    open_lists(batch, reading, STATUS_D, "");
    read_descriptions(reading, batch);
    open_lists(batch, reading, STATUS_D, ".md5sums");
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->fds[i] < 0)
            continue;
        add_package(dpkg, &batch->stanzas[i], STATUS_D, batch->names[i], true);
        index_md5sums(dpkg, reading, batch->fds[i]);
    }
    batch->count = 0;
}

static bool read_status_d(struct rts_dpkg *dpkg, struct rts_reading *reading, struct batch *batch)
{
    struct rts_buffer entries = RTS_BUFFER_INIT;
    bool listed = rts_tree_list(&reading->tree, STATUS_D, (size_t)2 * PACKAGES_MAX, &entries) >= 0;
    for (const char *name = NULL; (name = rts_tree_next_name(&entries, name));) {
        const char *dot = strrchr(name, '.');
        if (dpkg->count + batch->count >= PACKAGES_MAX || !is_file_name(name) ||
            strlen(name) >= FILE_NAME_SIZE || (dot && strcmp(dot, ".md5sums") == 0))
            continue;
        strcpy(batch->names[batch->count], name);
        batch->fds[batch->count++] = -1;
        if (batch->count == RTS_TREE_BATCH)
            take_descriptions(dpkg, reading, batch);
    }
    take_descriptions(dpkg, reading, batch);
    rts_buffer_finish(&entries);
    return listed;
}

/* ---- diversions ---- */

static void read_diversions(struct rts_dpkg *dpkg, struct rts_reading *reading)
{
    struct rts_line_reader *reader = rts_line_reader_open(reading, "/var/lib/dpkg/diversions", 0);
    if (!reader)
        return;
    struct rts_dpkg_diversion diversion = {0};
    char **part[] = {&diversion.from, &diversion.to, &diversion.package};
    const char *line;
    for (size_t i = 0;
         dpkg->diversion_count < DIVERSIONS_MAX && (line = rts_line_reader_next(reader));
         i = (i + 1) % 3) {
        *part[i] = rts_strdup(line);
        if (i < 2)
            continue;
        dpkg->diversions = rts_grow(dpkg->diversions, dpkg->diversion_count,
                                    &dpkg->diversion_capacity, sizeof *dpkg->diversions);
        dpkg->diversions[dpkg->diversion_count++] = diversion;
        diversion = (struct rts_dpkg_diversion){0};
    }
    free(diversion.from);
    free(diversion.to);
    rts_line_reader_close(reader);
}

bool rts_dpkg_read(struct rts_dpkg *dpkg, struct rts_reading *reading)
{
    struct batch *batch = rts_calloc(1, sizeof *batch);
    bool known = read_status(dpkg, reading, batch);
    known = read_status_d(dpkg, reading, batch) || known;
    free(batch);
    if (!known)
        return false;
    read_diversions(dpkg, reading);
    rts_merged_usr_read(reading, &dpkg->usr);
    rts_path_index_sort(&dpkg->index);
    return true;
}
