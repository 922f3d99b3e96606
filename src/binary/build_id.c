/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/build_id.h"

#include <stdlib.h>
#include <string.h>

/* Notes of one segment are a few hundred bytes. */
#define NOTES_SIZE_MAX (1u << 16)
/* Files have two to four notes; more sections than this are a trap to make us read for hours. */
#define NOTES_COUNT_MAX 64

static uint64_t aligned(uint64_t size, uint64_t alignment)
{
    return (size + alignment - 1) & ~(alignment - 1);
}

/* Walks the notes of one segment or section. Their parts are padded to 4 bytes, or to 8 where the
 * container says so. */
static bool find_in_notes(const uint8_t *notes, uint64_t size, uint64_t alignment,
                          struct rts_build_id *build_id)
{
    uint64_t at = 0;
    while (size - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note;
        memcpy(&note, notes + at, sizeof note);
        uint64_t name = at + sizeof note;
        uint64_t content = aligned(name + note.n_namesz, alignment);
        if (content > size || note.n_descsz > size - content)
            return false;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof ELF_NOTE_GNU &&
            memcmp(notes + name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0 && note.n_descsz > 0 &&
            note.n_descsz <= RTS_BUILD_ID_MAX) {
            *build_id = (struct rts_build_id){.size = (uint8_t)note.n_descsz};
            memcpy(build_id->bytes, notes + content, note.n_descsz);
            return true;
        }
        at = aligned(content + note.n_descsz, alignment);
        if (at > size)
            return false;
    }
    return false;
}

static bool read_notes(const struct rts_elf_image *image, uint64_t offset, uint64_t size,
                       uint64_t alignment, struct rts_build_id *build_id)
{
    uint8_t *notes = rts_elf_image_load(image, offset, size, NOTES_SIZE_MAX);
    bool found = notes && find_in_notes(notes, size, alignment == 8 ? 8 : 4, build_id);
    free(notes);
    return found;
}

static bool read_from_segments(const struct rts_elf_image *image, struct rts_build_id *build_id)
{
    size_t seen = 0;
    for (size_t i = 0; i < image->segment_count && seen < NOTES_COUNT_MAX; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        seen += segment->p_type == PT_NOTE;
        if (segment->p_type == PT_NOTE &&
            read_notes(image, segment->p_offset, segment->p_filesz, segment->p_align, build_id))
            return true;
    }
    return false;
}

static bool read_from_sections(const struct rts_elf_image *image, struct rts_build_id *build_id)
{
    size_t seen = 0;
    for (size_t i = 0; i < image->section_count && seen < NOTES_COUNT_MAX; i++) {
        const Elf64_Shdr *header = &image->sections[i].header;
        seen += header->sh_type == SHT_NOTE;
        if (header->sh_type == SHT_NOTE &&
            read_notes(image, header->sh_offset, header->sh_size, header->sh_addralign, build_id))
            return true;
    }
    return false;
}

void rts_build_id_read(const struct rts_elf_image *image, struct rts_build_id *build_id)
{
    *build_id = (struct rts_build_id){0};
    if (!read_from_segments(image, build_id))
        read_from_sections(image, build_id);
}

bool rts_build_id_same(const struct rts_build_id *left, const struct rts_build_id *right)
{
    return left->size == right->size && memcmp(left->bytes, right->bytes, left->size) == 0;
}

bool rts_build_id_is_in(const struct rts_elf_image *image, const struct rts_build_id *build_id)
{
    struct rts_build_id found;
    if (build_id->size == 0)
        return false;
    if (read_from_sections(image, &found) && rts_build_id_same(&found, build_id))
        return true;
    return read_from_segments(image, &found) && rts_build_id_same(&found, build_id);
}
