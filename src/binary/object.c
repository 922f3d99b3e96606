/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/object.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binary/build_id.h"
#include "binary/go_frames.h"
#include "binary/mini_debug.h"
#include "binary/object_state.h"
#include "binary/section_data.h"
#include "util/memory.h"

/* Serials are unique in a run of the program, so their counter is the one thing all objects share.
 */
static uint32_t next_serial(void)
{
    static uint32_t last;
    if (++last == 0)
        last = 1;
    return last;
}

static bool has_load_segment(const struct rts_elf_image *image)
{
    return rts_elf_image_segment_of_type(image, PT_LOAD) != NULL;
}

/* Takes what `image` holds. */
static struct rts_object *create(struct rts_elf_image *image, const char *path,
                                 struct rts_error *error)
{
    if (!has_load_segment(image)) {
        rts_elf_image_finish(image);
        rts_fail(error, RTS_FAILED, "%s: no segment that is loaded", path ? path : "ELF file");
        return NULL;
    }
    struct rts_object *object = rts_calloc(1, sizeof *object);
    object->serial = next_serial();
    object->path = path ? rts_strdup(path) : NULL;
    object->image = *image;
    object->unread.path = object->path;
    object->tree.root_fd = -1;
    object->companion.fd = -1;
    rts_build_id_read(&object->image, &object->build_id);
    rts_object_init_key(object);
    if (object->image.watch && object->build_id.size == 0)
        rts_file_watch_whole(object->image.watch);
    if (!rts_elf_image_is_intact(&object->image)) {
        rts_fail(error, RTS_FAILED, "%s: it was written to while it was read",
                 path ? path : "ELF file");
        rts_object_destroy(object);
        return NULL;
    }
    return object;
}

static void name_failure(const char *path, const struct rts_error *cause, struct rts_error *error)
{
    rts_fail(error, cause->failure, "%s: %s", path ? path : "ELF file", cause->text);
    if (error)
        error->number = cause->number;
}

struct rts_object *rts_object_open(int fd, const char *path, const struct rts_debug_search *search,
                                   struct rts_error *error)
{
    struct rts_elf_image image;
    struct rts_error cause;
    if (rts_elf_image_open(&image, fd, &cause) < 0) {
        name_failure(path, &cause, error);
        return NULL;
    }
    struct rts_object *object = create(&image, path, error);
    if (object && search && search->enabled) {
        object->search = true;
        object->tree = search->tree;
        if (search->tree.root_fd >= 0) {
            object->tree.root_fd = fcntl(search->tree.root_fd, F_DUPFD_CLOEXEC, 0);
            if (object->tree.root_fd < 0) {
                rts_fail_errno(error, errno, "%s: its root", path ? path : "ELF file");
                rts_object_destroy(object);
                return NULL;
            }
        }
    }
    return object;
}

struct rts_object *rts_object_from_memory(const void *bytes, size_t size, const char *name,
                                          struct rts_error *error)
{
    struct rts_elf_image image;
    struct rts_error cause;
    uint8_t *copy = malloc(size + 1);
    if (!copy) {
        rts_fail(error, RTS_FAILED, "%s: no memory for %zu bytes", name ? name : "image", size);
        return NULL;
    }
    if (size > 0)
        memcpy(copy, bytes, size);
    if (rts_elf_image_from_bytes(&image, copy, size, &cause) < 0) {
        name_failure(name, &cause, error);
        return NULL;
    }
    return create(&image, name, error);
}

const void *rts_object_image(const struct rts_object *object, size_t *size)
{
    *size = object->image.bytes ? object->image.size : 0;
    return object->image.bytes;
}

void rts_object_destroy(struct rts_object *object)
{
    if (!object)
        return;
    rts_object_drop_parts(object);
    rts_elf_image_finish(&object->companion);
    rts_elf_image_finish(&object->image);
    if (object->tree.root_fd >= 0)
        close(object->tree.root_fd);
    if (object->share)
        rts_share_change_of(object->share, object->owner, object->counted, 0);
    free(object->path);
    free(object->companion_path);
    free(object);
}

uint32_t rts_object_serial(const struct rts_object *object)
{
    return object->serial;
}

void rts_object_set_by_path(struct rts_object *object)
{
    object->by_path = true;
}

bool rts_object_is_by_path(const struct rts_object *object)
{
    return object->by_path;
}

const char *rts_object_path(const struct rts_object *object)
{
    return object->path;
}

const struct rts_build_id *rts_object_build_id(const struct rts_object *object)
{
    return &object->build_id;
}

uint16_t rts_object_machine(const struct rts_object *object)
{
    return object->image.header.e_machine;
}

uint64_t rts_object_entry(const struct rts_object *object)
{
    return object->image.header.e_entry;
}

static bool digest(const struct rts_elf_image *image, EVP_MD_CTX *context, uint8_t value[32])
{
    uint8_t chunk[65536];
    if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        return false;
    for (uint64_t offset = 0; offset < image->size;) {
        uint64_t left = image->size - offset;
        size_t size = left < sizeof chunk ? (size_t)left : sizeof chunk;
        if (!rts_elf_image_read(image, offset, chunk, size) ||
            EVP_DigestUpdate(context, chunk, size) != 1)
            return false;
        offset += size;
    }
    return EVP_DigestFinal_ex(context, value, NULL) == 1;
}

void rts_object_use_hashes(struct rts_object *object, struct rts_hash_cache *hashes)
{
    object->hashes = hashes;
}

void rts_object_count_unread(struct rts_object *object, unsigned *files)
{
    object->unread.files = files;
}

const char *rts_object_file_sha256(struct rts_object *object)
{
    struct stat before;
    int fd = object->image.fd;
    if (object->sha256[0])
        return object->sha256;
    if (object->image.watch && rts_file_watch_digest(object->image.watch)) {
        rts_sha256_hex(rts_file_watch_digest(object->image.watch), object->sha256);
        return object->sha256;
    }
    if (object->image.size > RTS_FILE_HASH_MAX)
        return NULL;
    bool cached = object->hashes && fd >= 0 && fstat(fd, &before) == 0;
    if (cached && rts_hash_cache_find(object->hashes, fd, object->sha256)) {
        if (rts_object_is_intact(object))
            return object->sha256;
        object->sha256[0] = '\0';
        return NULL;
    }
    uint8_t value[RTS_SHA256_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool whole = context && digest(&object->image, context, value);
    EVP_MD_CTX_free(context);
    if (!whole || !rts_object_is_intact(object))
        return NULL;
    rts_sha256_hex(value, object->sha256);
    if (cached)
        rts_hash_cache_add(object->hashes, fd, &before, object->sha256);
    return object->sha256;
}

/* Whether debug information may lie in files that it names: units that were split off have their
 * addresses in a section that hardly any other has. */
static bool refers_elsewhere(const struct rts_elf_image *image)
{
    return rts_section_data_find_debug(image, ".debug_addr") ||
           rts_elf_image_section(image, ".gnu_debugaltlink");
}

static void end_search(struct rts_object *object)
{
    object->search = false;
    if (object->tree.root_fd >= 0)
        close(object->tree.root_fd);
    object->tree.root_fd = -1;
}

static bool find_companion(struct rts_object *object, struct rts_debug_path *place)
{
    uint64_t none = 0, left;
    uint64_t *read = object->host ? &object->host->crc_bytes[object->owner] : &none;
    left = object->owner == RTS_OWNER_ROOT ? UINT64_MAX
           : *read < RTS_CRC_BYTES_MAX     ? RTS_CRC_BYTES_MAX - *read
                                           : 0;
    const uint64_t before = left;
    bool found = rts_debug_file_find(&object->companion, &object->image, &object->build_id,
                                     object->path, &object->tree, &left, place);
    *read += before - left;
    return found;
}

const struct rts_elf_image *rts_object_companion(struct rts_object *object)
{
    if (!object->companion_tried) {
        object->companion_tried = true;
        struct rts_debug_path place;
        object->companion_found = object->search && find_companion(object, &place);
        if (object->companion_found)
            object->companion_path = rts_strdup(place.text);
        /* Whose debug file it is that it names, its maker chose. */
        object->companion.foreign |= object->image.foreign;
        if (!refers_elsewhere(&object->image) &&
            !(object->companion_found && refers_elsewhere(&object->companion)))
            end_search(object);
    }
    return object->companion_found ? &object->companion : NULL;
}

/* CFI is read, checked and brought into another form: so many times its size. */
#define CFI_FACTOR 3

static uint64_t section_size(const struct rts_elf_image *image, const char *name)
{
    const struct rts_section *section = rts_elf_image_section(image, name);
    return section && section->header.sh_size < RTS_CFI_SIZE_MAX ? section->header.sh_size : 0;
}

const struct rts_cfi *rts_object_load_eh_cfi(struct rts_object *object)
{
    if (!object->eh_cfi_loaded) {
        object->eh_cfi_loaded = true;
        rts_object_make_room(object, CFI_FACTOR * section_size(&object->image, ".eh_frame"));
        rts_cfi_init_eh_frame(&object->eh_cfi, &object->image);
        if (!rts_object_part_is_sound(object))
            rts_cfi_finish(&object->eh_cfi);
    }
    return &object->eh_cfi;
}

const struct rts_cfi *rts_object_load_debug_cfi(struct rts_object *object)
{
    if (!object->debug_cfi_loaded) {
        object->debug_cfi_loaded = true;
        rts_object_make_room(object, CFI_FACTOR * section_size(&object->image, ".debug_frame"));
        rts_cfi_init_debug_frame(&object->debug_cfi, &object->image, &object->unread);
        const struct rts_elf_image *companion =
            object->debug_cfi.handle ? NULL : rts_object_companion(object);
        if (companion)
            rts_cfi_init_debug_frame(&object->debug_cfi, companion, &object->unread);
        if (!rts_object_part_is_sound(object))
            rts_cfi_finish(&object->debug_cfi);
    }
    return &object->debug_cfi;
}

const struct rts_go_table *rts_object_go_table(struct rts_object *object)
{
    if (!object->go_table_tried) {
        object->go_table_tried = true;
        object->go_table_found = rts_go_table_init(&object->go_table, &object->image);
        if (object->go_table_found && !rts_object_part_is_sound(object)) {
            object->go_table_found = false;
            rts_go_table_finish(&object->go_table);
        }
    }
    return object->go_table_found ? &object->go_table : NULL;
}

enum rts_go_frame rts_object_go_frame(struct rts_object *object, uint64_t vaddr, uint32_t *size)
{
    const struct rts_go_table *table = rts_object_go_table(object);
    rts_object_count(object);
    return table ? rts_go_frames_at(table, vaddr, size) : RTS_GO_FRAME_NONE;
}

Dwarf_CFI *rts_object_eh_cfi(struct rts_object *object)
{
    Dwarf_CFI *handle = rts_object_load_eh_cfi(object)->handle;
    object->eh_cfi.asked++;
    rts_object_count(object);
    return handle;
}

Dwarf_CFI *rts_object_debug_cfi(struct rts_object *object)
{
    Dwarf_CFI *handle = rts_object_load_debug_cfi(object)->handle;
    object->debug_cfi.asked++;
    rts_object_count(object);
    return handle;
}

bool rts_object_fde(struct rts_object *object, uint64_t vaddr, struct rts_object_fde *found)
{
    const struct rts_cfi *cfi = rts_object_load_eh_cfi(object);
    const struct rts_fde *fde = rts_fde_index_find(&cfi->index, vaddr);
    if (!fde) {
        cfi = rts_object_load_debug_cfi(object);
        fde = rts_fde_index_find(&cfi->index, vaddr);
    }
    rts_object_count(object);
    if (!fde)
        return false;
    *found = (struct rts_object_fde){
        .section = cfi->image ? cfi->image + cfi->image_size - cfi->section_size : NULL,
        .section_size = cfi->section_size,
        .section_vaddr = cfi->section_vaddr,
        .start = fde->start,
        .end = fde->start + fde->size,
        .entry = fde->entry,
    };
    return true;
}

struct rts_cfi_mentions rts_object_cfi_mentions(struct rts_object *object, uint64_t vaddr)
{
    struct rts_object_fde fde;
    if (!rts_object_fde(object, vaddr, &fde) || !fde.section)
        return (struct rts_cfi_mentions){0};
    const struct rts_cfi_bytes bytes = {fde.section, fde.section_size, fde.section_vaddr};
    return rts_fde_mentions(&bytes, fde.entry);
}

bool rts_object_fde_bounds(struct rts_object *object, uint64_t vaddr, uint64_t *start,
                           uint64_t *end)
{
    struct rts_object_fde fde;
    if (!rts_object_fde(object, vaddr, &fde))
        return false;
    *start = fde.start;
    *end = fde.end;
    return true;
}
