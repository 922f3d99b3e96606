/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/debug_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "binary/build_id.h"
#include "binary/section_data.h"
#include "util/cleanup.h"
#include "util/hex.h"

/* A file name and a checksum. */
#define LINK_SECTION_MAX 4096

#define DEBUG_ROOT "/usr/lib/debug"

#define BUILD_ID_PATH_SIZE (sizeof DEBUG_ROOT "/.build-id//.debug" + 2 * (size_t)RTS_BUILD_ID_MAX)

/* Where distributions keep what several debug files have in common. */
#define COMMON_FOLDER "/.dwz/"

struct debug_link {
    char name[NAME_MAX + 1];
    uint32_t crc;
};

struct rts_tree rts_debug_tree_ours(const struct rts_tree *tree)
{
    struct rts_tree ours = *tree;
    ours.root_fd = -1;
    return ours;
}

static bool open_image(struct rts_elf_image *found, const char *path, const struct rts_tree *tree)
{
    int fd = rts_tree_open(tree, path);
    return fd >= 0 && rts_elf_image_open_debug(found, fd, NULL) == 0;
}

/* The file at `path`, if it has that build-id. */
static bool open_with_id(struct rts_elf_image *found, const char *path, const struct rts_tree *tree,
                         const struct rts_build_id *build_id)
{
    if (!open_image(found, path, tree))
        return false;
    if (rts_build_id_is_in(found, build_id))
        return true;
    rts_elf_image_finish(found);
    return false;
}

static bool find_by_build_id(struct rts_elf_image *found, const struct rts_build_id *build_id,
                             const struct rts_tree *tree, struct rts_debug_path *place)
{
    char *path = place->text;
    if (build_id->size < 2)
        return false;
    char hex[RTS_HEX_SIZE(RTS_BUILD_ID_MAX)];
    rts_hex_write(hex, build_id->bytes, build_id->size);
    snprintf(path, BUILD_ID_PATH_SIZE, DEBUG_ROOT "/.build-id/%.2s/%s.debug", hex, hex + 2);
    return open_with_id(found, path, tree, build_id);
}

/* The section holds a name, padded with zeros to a multiple of four, and the CRC. */
static bool read_link(const struct rts_elf_image *image, struct debug_link *link)
{
    const struct rts_section *section = rts_elf_image_section(image, ".gnu_debuglink");
    size_t size;
    if (!section)
        return false;
    RTS_FREE char *content = rts_section_data_load(image, section, LINK_SECTION_MAX, &size);
    if (!content)
        return false;
    size_t length = strlen(content);
    size_t crc_at = (length + 4) & ~(size_t)3;
    if (length == 0 || length > NAME_MAX || strchr(content, '/') || strcmp(content, ".") == 0 ||
        strcmp(content, "..") == 0 || size < 4 || crc_at > size - 4)
        return false;
    memcpy(link->name, content, length + 1);
    memcpy(&link->crc, content + crc_at, sizeof link->crc);
    return true;
}

/* Whoever may put a file there may do so without end; what root has put there is root's. */
static bool may_read(const struct rts_elf_image *image, const struct rts_tree *tree,
                     uint64_t *crc_left)
{
    struct stat status;
    if (tree->root_fd < 0 && image->fd >= 0 && fstat(image->fd, &status) == 0 && status.st_uid == 0)
        return true;
    if (image->size > *crc_left)
        return false;
    *crc_left -= image->size;
    return true;
}

static bool has_crc(const struct rts_elf_image *image, uint32_t wanted)
{
    uint8_t chunk[65536];
    uLong crc = crc32(0, NULL, 0);
    if (image->size > RTS_DEBUG_FILE_MAX)
        return false;
    for (uint64_t offset = 0; offset < image->size;) {
        uint64_t left = image->size - offset;
        size_t size = left < sizeof chunk ? (size_t)left : sizeof chunk;
        if (!rts_elf_image_read(image, offset, chunk, size))
            return false;
        crc = crc32(crc, chunk, (uInt)size);
        offset += size;
    }
    return crc == wanted;
}

static bool find_by_link(struct rts_elf_image *found, const struct rts_elf_image *image,
                         const char *path, const struct rts_tree *tree, uint64_t *crc_left,
                         struct rts_debug_path *place)
{
    static const struct {
        const char *before;
        const char *between;
    } places[] = {{"", ""}, {"", ".debug/"}, {DEBUG_ROOT, ""}};
    struct debug_link link;
    const char *slash = path && path[0] == '/' ? strrchr(path, '/') : NULL;
    if (!slash || slash - path >= PATH_MAX || !read_link(image, &link))
        return false;
    int directory = (int)(slash - path) + 1;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(place->text, sizeof place->text, "%s%.*s%s%s", places[i].before, directory, path,
                 places[i].between, link.name);
        if (!open_image(found, place->text, tree))
            continue;
        if (may_read(found, tree, crc_left) && has_crc(found, link.crc))
            return true;
        rts_elf_image_finish(found);
    }
    return false;
}

static bool find_in_root(struct rts_elf_image *found, const struct rts_elf_image *image,
                         const struct rts_build_id *build_id, const char *path,
                         const struct rts_tree *tree, uint64_t *crc_left,
                         struct rts_debug_path *place)
{
    return find_by_build_id(found, build_id, tree, place) ||
           find_by_link(found, image, path, tree, crc_left, place);
}

bool rts_debug_file_find(struct rts_elf_image *found, const struct rts_elf_image *image,
                         const struct rts_build_id *build_id, const char *path,
                         const struct rts_tree *tree, uint64_t *crc_left,
                         struct rts_debug_path *place)
{
    /* What only the host has installed serves as well: it must match in either case. */
    const struct rts_tree ours = rts_debug_tree_ours(tree);
    return find_in_root(found, image, build_id, path, tree, crc_left, place) ||
           (tree->root_fd >= 0 &&
            find_in_root(found, image, build_id, path, &ours, crc_left, place));
}

/* The section holds a path and a build-id. */
static char *read_common_link(const struct rts_elf_image *image, struct rts_build_id *build_id)
{
    const struct rts_section *section = rts_elf_image_section(image, ".gnu_debugaltlink");
    size_t size;
    char *path = section ? rts_section_data_load(image, section, LINK_SECTION_MAX, &size) : NULL;
    size_t length = path ? strlen(path) : 0;
    if (length == 0 || length + 1 >= size || size - length - 1 > RTS_BUILD_ID_MAX) {
        free(path);
        return NULL;
    }
    build_id->size = (uint8_t)(size - length - 1);
    memcpy(build_id->bytes, path + length + 1, build_id->size);
    return path;
}

/* Where the link says: a path of the target's choice, so just in its root. */
static bool find_common_by_path(struct rts_elf_image *found, const char *link,
                                const struct rts_build_id *build_id,
                                const struct rts_debug_place *place, struct rts_debug_path *at)
{
    const char *slash = place->path && place->path[0] == '/' ? strrchr(place->path, '/') : NULL;
    if (link[0] == '/')
        return open_with_id(found, link, place->tree, build_id);
    if (!slash || slash - place->path >= PATH_MAX)
        return false;
    snprintf(at->text, sizeof at->text, "%.*s/%s", (int)(slash - place->path), place->path, link);
    return open_with_id(found, at->text, place->tree, build_id);
}

/* By build-id, or in the folder that they have of their own. */
static bool find_common_in(struct rts_elf_image *found, const char *link,
                           const struct rts_build_id *build_id, const struct rts_tree *tree,
                           struct rts_debug_path *at)
{
    const char *below = strstr(link, COMMON_FOLDER);
    if (find_by_build_id(found, build_id, tree, at))
        return true;
    if (!below || strstr(below, "/../"))
        return false;
    snprintf(at->text, sizeof at->text, DEBUG_ROOT "%s", below);
    return open_with_id(found, at->text, tree, build_id);
}

bool rts_debug_file_find_common(struct rts_elf_image *found, const struct rts_elf_image *image,
                                const struct rts_debug_place *place)
{
    struct rts_build_id build_id;
    struct rts_debug_path at;
    RTS_FREE char *link = read_common_link(image, &build_id);
    if (!link || !place->enabled)
        return false;
    const struct rts_tree ours = rts_debug_tree_ours(place->tree);
    if (find_common_by_path(found, link, &build_id, place, &at) ||
        find_common_in(found, link, &build_id, place->tree, &at) ||
        (place->tree->root_fd >= 0 && find_common_in(found, link, &build_id, &ours, &at)))
        return true;
    rts_unread_say(place->unread, RTS_UNREAD_NO_COMMON, link);
    return false;
}
