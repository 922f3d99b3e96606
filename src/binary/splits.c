/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/splits.h"

#include <dwarf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binary/debug_file.h"
#include "binary/elf_image.h"
#include "util/memory.h"
#include "util/share.h"
#include "util/table.h"

#define DEBUG_ROOT "/usr/lib/debug"
#define DEBUG_END  ".debug"

/* Units that are looked for: a large program has some ten thousand, and each costs a few open(). */
#define LOOKED_FOR_MAX (64u << 10)

struct split {
    uint64_t id;
    bool found;
    struct rts_split_unit unit;
    struct rts_split_file file; /* of its own; empty for one of the package */
};

struct rts_splits {
    struct rts_debug_place place;
    const uint8_t *main;
    struct rts_table items; /* struct split, by id */
    bool package_tried, package_found;
    struct rts_split_file package;
    uint64_t bytes; /* of all files */
};

/* A skeleton, as far as it is needed. */
struct skeleton {
    const char *name, *folder; /* folder may be NULL */
    uint64_t id;
    uint16_t version;
};

struct rts_splits *rts_splits_create(const struct rts_debug_place *place, const uint8_t *main)
{
    struct rts_splits *splits = rts_calloc(1, sizeof *splits);
    splits->place = *place;
    splits->main = main;
    return splits;
}

void rts_splits_destroy(struct rts_splits *splits)
{
    size_t position = 0;
    if (!splits)
        return;
    for (struct split *split; (split = rts_table_next(&splits->items, &position));) {
        rts_split_unit_close(&split->unit);
        rts_split_file_finish(&split->file);
        free(split);
    }
    rts_table_finish(&splits->items);
    rts_split_file_finish(&splits->package);
    free(splits);
}

size_t rts_splits_bytes(const struct rts_splits *splits)
{
    return splits->items.count * (rts_heap_bytes(sizeof(struct split)) + RTS_DWARF_HANDLE_BYTES) +
           rts_table_bytes(&splits->items) + splits->bytes;
}

/* Reads the file at `path`, if there is one. */
static bool read_file(struct rts_splits *splits, const char *path, const struct rts_tree *tree,
                      struct rts_split_file *file)
{
    struct rts_elf_image image;
    int fd = rts_tree_open(tree, path);
    if (fd < 0 || rts_elf_image_open_debug(&image, fd, NULL) < 0)
        return false;
    /* Headers and padding come on top of what was allowed. */
    uint64_t limit = rts_elf_image_limit(&image, RTS_DWARF_SIZE_MAX);
    uint64_t left = splits->bytes < limit ? limit - splits->bytes : 0;
    bool good = rts_split_file_init(file, &image, path, left, splits->place.unread);
    rts_elf_image_finish(&image);
    if (good)
        splits->bytes += file->size;
    return good;
}

/* "<before><path, without its end><.dwp>", in the target's root and in ours. */
static bool read_package(struct rts_splits *splits, const char *before, const char *path,
                         const char *end)
{
    char name[2 * PATH_MAX];
    size_t length = path && path[0] == '/' ? strlen(path) : 0, cut = strlen(end);
    if (length <= cut || length >= PATH_MAX || strcmp(path + length - cut, end) != 0)
        return false;
    snprintf(name, sizeof name, "%s%.*s.dwp", before, (int)(length - cut), path);
    const struct rts_tree *tree = splits->place.tree;
    const struct rts_tree ours = rts_debug_tree_ours(tree);
    return read_file(splits, name, tree, &splits->package) ||
           (tree->root_fd >= 0 && read_file(splits, name, &ours, &splits->package));
}

static bool find_package(struct rts_splits *splits)
{
    const char *path = splits->place.path, *mapped = splits->place.mapped;
    if (splits->package_tried)
        return splits->package_found;
    splits->package_tried = true;
    splits->package_found =
        read_package(splits, "", mapped, "") || read_package(splits, DEBUG_ROOT, mapped, "") ||
        (path && path != mapped &&
         (read_package(splits, "", path, "") || read_package(splits, "", path, DEBUG_END)));
    return splits->package_found;
}

static bool try_file(struct rts_splits *splits, struct split *split, const char *path)
{
    if (!read_file(splits, path, splits->place.tree, &split->file))
        return false;
    if (rts_split_file_open_unit(&split->file, split->id, &split->unit))
        return true;
    splits->bytes -= split->file.size;
    rts_split_file_finish(&split->file);
    return false;
}

static bool try_folder(struct rts_splits *splits, struct split *split, const char *folder,
                       size_t length, const char *name)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%.*s/%s", (int)length, folder, name) < (int)sizeof path &&
           try_file(splits, split, path);
}

static bool find_file(struct rts_splits *splits, struct split *split,
                      const struct skeleton *skeleton)
{
    const char *name = skeleton->name, *folder = skeleton->folder, *last = strrchr(name, '/');
    const char *paths[] = {splits->place.mapped, splits->place.path};
    if (name[0] == '/' && try_file(splits, split, name))
        return true;
    if (name[0] != '/' && folder && folder[0] == '/' &&
        try_folder(splits, split, folder, strnlen(folder, PATH_MAX), name))
        return true;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const char *slash = paths[i] && paths[i][0] == '/' ? strrchr(paths[i], '/') : NULL;
        if (!slash || (i > 0 && paths[i] == paths[0]))
            continue;
        size_t length = (size_t)(slash - paths[i]);
        if ((name[0] != '/' && try_folder(splits, split, paths[i], length, name)) ||
            (last && try_folder(splits, split, paths[i], length, last + 1)))
            return true;
    }
    return false;
}

static const char *string_of(Dwarf_Die *die, unsigned kind)
{
    Dwarf_Attribute attribute;
    return dwarf_formstring(dwarf_attr(die, kind, &attribute));
}

static uint64_t number_of(Dwarf_Die *die, unsigned kind, unsigned other)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    bool has = dwarf_attr(die, kind, &attribute) || dwarf_attr(die, other, &attribute);
    return has && dwarf_formudata(&attribute, &value) == 0 ? value : 0;
}

static bool read_skeleton(Dwarf_Die *die, struct skeleton *skeleton)
{
    skeleton->name = string_of(die, DW_AT_dwo_name);
    if (!skeleton->name)
        skeleton->name = string_of(die, DW_AT_GNU_dwo_name);
    if (!skeleton->name || !skeleton->name[0])
        return false;
    skeleton->folder = string_of(die, DW_AT_comp_dir);
    return dwarf_cu_info(die->cu, &skeleton->version, NULL, NULL, NULL, &skeleton->id, NULL,
                         NULL) == 0;
}

/* The rest of a section from an offset on; empty when it is not that long. */
static const uint8_t *rest_of(const uint8_t *main, enum rts_dwarf_section section, uint64_t offset,
                              uint64_t *size)
{
    const uint8_t *bytes = rts_dwarf_image_section(main, section, size);
    if (!bytes || offset > *size) {
        *size = 0;
        return NULL;
    }
    *size -= offset;
    return bytes + offset;
}

static void fill_addresses(struct rts_splits *splits, Dwarf_Die *die, struct split *split)
{
    struct rts_dwarf_addresses *addresses = &split->unit.addresses;
    Dwarf_Addr base;
    addresses->base = dwarf_lowpc(die, &base) == 0 ? base : 0;
    addresses->table =
        rest_of(splits->main, RTS_DWARF_ADDR, number_of(die, DW_AT_addr_base, DW_AT_GNU_addr_base),
                &addresses->table_size);
    if (addresses->version < 5)
        addresses->ranges =
            rest_of(splits->main, RTS_DWARF_RANGES, number_of(die, DW_AT_GNU_ranges_base, 0),
                    &addresses->ranges_size);
}

static bool same_id(const void *item, const void *key)
{
    return ((const struct split *)item)->id == *(const uint64_t *)key;
}

const struct rts_split_unit *rts_splits_find(struct rts_splits *splits, Dwarf_Die *die)
{
    struct skeleton skeleton;
    if (!read_skeleton(die, &skeleton))
        return NULL;
    uint64_t hash = rts_hash_u64(skeleton.id);
    struct split *split = rts_table_find(&splits->items, hash, same_id, &skeleton.id);
    if (!split) {
        if (!splits->place.enabled || splits->items.count >= LOOKED_FOR_MAX)
            return NULL;
        split = rts_calloc(1, sizeof *split);
        split->id = skeleton.id;
        rts_table_add(&splits->items, hash, split);
        split->found = (find_package(splits) &&
                        rts_split_file_open_unit(&splits->package, split->id, &split->unit)) ||
                       find_file(splits, split, &skeleton);
        if (split->found)
            fill_addresses(splits, die, split);
        else
            rts_unread_say(splits->place.unread, RTS_UNREAD_NO_SPLIT, skeleton.name);
    }
    return split->found ? &split->unit : NULL;
}
