/* SPDX-License-Identifier: Apache-2.0 */
#include "package/dpkg.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "package/file_digest.h"
#include "package/line_reader.h"
#include "package/merged_usr.h"
#include "package/path_index.h"
#include "package/purl.h"
#include "util/cleanup.h"
#include "util/memory.h"
#include "util/open_below.h"
#include "util/share.h"

#define INFO     "/var/lib/dpkg/info/"
#define STATUS_D "/var/lib/dpkg/status.d/"

/* More packages than the archive has; what comes after is not known. */
#define PACKAGES_MAX 100000

/* A machine has a few dozen. */
#define DIVERSIONS_MAX 10000

/* Names, versions and architectures are short. */
#define WORD_SIZE 256

/* Packages that may own one path, hash collisions included. */
#define SUSPECTS_MAX 32

struct package {
    char *name, *version, *arch;
    char *files;       /* path of its file lists, without ".list" and ".md5sums" */
    bool only_md5sums; /* status.d has no .list */
};

struct diversion {
    char *from, *to;
    char *package; /* who made it; ":" for the administrator */
};

struct rts_dpkg {
    struct package *packages;
    size_t count, capacity;
    struct diversion *diversions;
    size_t diversion_count, diversion_capacity;
    struct rts_path_index index;
    struct rts_merged_usr usr;
};

/* ---- reading ---- */

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

static void add_package(struct rts_dpkg *dpkg, const struct stanza *stanza, char *files,
                        bool only_md5sums)
{
    dpkg->packages = rts_grow(dpkg->packages, dpkg->count, &dpkg->capacity, sizeof *dpkg->packages);
    dpkg->packages[dpkg->count++] = (struct package){
        .name = rts_strdup(stanza->name),
        .version = rts_strdup(stanza->version),
        .arch = rts_strdup(stanza->arch),
        .files = files,
        .only_md5sums = only_md5sums,
    };
}

static struct rts_line_reader *open_list(int root_fd, const char *files, const char *suffix)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s%s", files, suffix);
    return size > 0 && (size_t)size < sizeof path ? rts_line_reader_open(root_fd, path, 0) : NULL;
}

/* "…/info/NAME:ARCH" or "…/info/NAME", whichever has a list. */
static char *find_list(int root_fd, const struct stanza *stanza, struct rts_line_reader **list)
{
    char files[2 * WORD_SIZE + sizeof INFO];
    for (int i = 0; i < 2; i++) {
        bool with_arch = stanza->same == (i == 0);
        snprintf(files, sizeof files, INFO "%s%s%s", stanza->name, with_arch ? ":" : "",
                 with_arch ? stanza->arch : "");
        if ((*list = open_list(root_fd, files, ".list")))
            return rts_strdup(files);
    }
    return NULL;
}

static bool has_files(const char *status)
{
    const char *state = strrchr(status, ' ');
    return state && strcmp(state, " not-installed") != 0 && strcmp(state, " config-files") != 0;
}

static void index_list(struct rts_dpkg *dpkg, struct rts_line_reader *list)
{
    const char *line;
    while ((line = rts_line_reader_next(list)))
        if (line[0] == '/')
            rts_path_index_add(&dpkg->index, line, strlen(line), (uint32_t)(dpkg->count - 1));
    rts_line_reader_close(list);
}

static bool read_status(struct rts_dpkg *dpkg, int root_fd)
{
    struct rts_line_reader *reader = rts_line_reader_open(root_fd, "/var/lib/dpkg/status", 0);
    struct stanza stanza;
    if (!reader)
        return false;
    while (dpkg->count < PACKAGES_MAX && read_stanza(reader, &stanza)) {
        if (!is_file_name(stanza.name) || !is_file_name(stanza.arch) || !has_files(stanza.status))
            continue;
        struct rts_line_reader *list;
        char *files = find_list(root_fd, &stanza, &list);
        if (!files)
            continue;
        add_package(dpkg, &stanza, files, false);
        index_list(dpkg, list);
    }
    rts_line_reader_close(reader);
    return true;
}

/* "d41d8cd98f00b204e9800998ecf8427e  usr/bin/x", or with "./" or "/" in front of the path: writes
 * the absolute path over the line. NULL when it is something else. */
static char *md5sums_path(char *line)
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

static void index_md5sums(struct rts_dpkg *dpkg, struct rts_line_reader *list)
{
    char *line;
    while ((line = rts_line_reader_next(list))) {
        const char *path = md5sums_path(line);
        if (path)
            rts_path_index_add(&dpkg->index, path, strlen(path), (uint32_t)(dpkg->count - 1));
    }
    rts_line_reader_close(list);
}

static void read_status_file(struct rts_dpkg *dpkg, int root_fd, const char *name)
{
    char path[sizeof STATUS_D + NAME_MAX];
    snprintf(path, sizeof path, STATUS_D "%s", name);
    struct rts_line_reader *reader = rts_line_reader_open(root_fd, path, 0);
    struct stanza stanza;
    bool read = reader && read_stanza(reader, &stanza);
    rts_line_reader_close(reader);
    struct rts_line_reader *sums =
        read && *stanza.name ? open_list(root_fd, path, ".md5sums") : NULL;
    if (!sums)
        return;
    add_package(dpkg, &stanza, rts_strdup(path), true);
    index_md5sums(dpkg, sums);
}

static bool read_status_d(struct rts_dpkg *dpkg, int root_fd)
{
    int fd = rts_open_directory_below(root_fd, STATUS_D);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    struct dirent *entry;
    for (int i = 0; i < 2 * PACKAGES_MAX && dpkg->count < PACKAGES_MAX && (entry = readdir(folder));
         i++) {
        const char *dot = strrchr(entry->d_name, '.');
        if (is_file_name(entry->d_name) && (!dot || strcmp(dot, ".md5sums") != 0))
            read_status_file(dpkg, root_fd, entry->d_name);
    }
    closedir(folder);
    return true;
}

static void read_diversions(struct rts_dpkg *dpkg, int root_fd)
{
    struct rts_line_reader *reader = rts_line_reader_open(root_fd, "/var/lib/dpkg/diversions", 0);
    if (!reader)
        return;
    struct diversion diversion = {0};
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
        diversion = (struct diversion){0};
    }
    free(diversion.from);
    free(diversion.to);
    rts_line_reader_close(reader);
}

struct rts_dpkg *rts_dpkg_create(int root_fd)
{
    struct rts_dpkg *dpkg = rts_calloc(1, sizeof *dpkg);
    bool known = read_status(dpkg, root_fd);
    known = read_status_d(dpkg, root_fd) || known;
    if (!known) {
        rts_dpkg_destroy(dpkg);
        return NULL;
    }
    read_diversions(dpkg, root_fd);
    rts_merged_usr_read(root_fd, &dpkg->usr);
    rts_path_index_sort(&dpkg->index);
    return dpkg;
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
        const struct package *package = &dpkg->packages[i];
        bytes += text_bytes(package->name) + text_bytes(package->version) +
                 text_bytes(package->arch) + text_bytes(package->files);
    }
    for (size_t i = 0; i < dpkg->diversion_count; i++) {
        const struct diversion *diversion = &dpkg->diversions[i];
        bytes += text_bytes(diversion->from) + text_bytes(diversion->to) +
                 text_bytes(diversion->package);
    }
    return bytes;
}

/* ---- asking ---- */

/* Is `path` in the list of the package? *digest_size is 16 when its MD5 is known. */
static bool has_path(const struct package *package, int root_fd, const char *path,
                     struct rts_package_owner *owner)
{
    bool found = false;
    char *line;
    struct rts_line_reader *list =
        package->only_md5sums ? NULL : open_list(root_fd, package->files, ".list");
    while (list && !found && (line = rts_line_reader_next(list)))
        found = strcmp(line, path) == 0;
    rts_line_reader_close(list);
    if (!found && !package->only_md5sums)
        return false;
    list = open_list(root_fd, package->files, ".md5sums");
    while (list && owner->digest_size == 0 && (line = rts_line_reader_next(list))) {
        uint8_t digest[16];
        if (!rts_digest_parse(line, sizeof digest, digest))
            continue;
        const char *listed = md5sums_path(line);
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
    int root_fd;
    const struct package *found;
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
        const struct package *package = &dpkg->packages[suspects[i]];
        if (package == question->found || (only && strcmp(package->name, only) != 0) ||
            (but && strcmp(package->name, but) == 0))
            continue;
        struct rts_package_owner owner = {0};
        if (!has_path(package, question->root_fd, path, &owner))
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
        const struct diversion *diversion = &dpkg->diversions[i];
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

bool rts_dpkg_owner(const struct rts_dpkg *dpkg, int root_fd, const struct rts_os_release *os,
                    const char *path, struct rts_package_owner *owner)
{
    char other[PATH_MAX];
    struct question question = {.dpkg = dpkg, .root_fd = root_fd, .owner = owner};
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
