/* SPDX-License-Identifier: Apache-2.0 */
/* An object of which the kernel told the build-id, and that is all: declared in object.h. */
#include "binary/object_state.h"

#include <endian.h>
#include <string.h>

/* A file is no longer than this (the kernel's limit on most file systems is lower). */
#define FILE_BYTES_MAX (1ULL << 47)

struct bare {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    Elf64_Nhdr note;
    char name[4];
    uint8_t build_id[RTS_BUILD_ID_MAX];
};

struct rts_object *rts_object_bare(const struct rts_build_id *build_id, const char *path)
{
    struct bare bare = {
        .header =
            {
                .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                            __BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB, EV_CURRENT,
                            ELFOSABI_STANDALONE}, /* which nothing that runs on Linux has */
                .e_type = ET_DYN,
                .e_machine = RTS_NATIVE_MACHINE,
                .e_version = EV_CURRENT,
                .e_phoff = offsetof(struct bare, segments),
                .e_ehsize = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = 2,
            },
        .segments = {{.p_type = PT_LOAD,
                      .p_flags = PF_R | PF_X,
                      .p_filesz = FILE_BYTES_MAX,
                      .p_memsz = FILE_BYTES_MAX},
                     {.p_type = PT_NOTE,
                      .p_flags = PF_R,
                      .p_offset = offsetof(struct bare, note),
                      .p_align = 4}},
        .note = {.n_namesz = 4, .n_type = NT_GNU_BUILD_ID},
        .name = ELF_NOTE_GNU,
    };
    size_t size = build_id->size < RTS_BUILD_ID_MAX ? build_id->size : RTS_BUILD_ID_MAX;
    memcpy(bare.build_id, build_id->bytes, size);
    bare.note.n_descsz = (uint32_t)size;
    bare.segments[1].p_filesz = bare.segments[1].p_memsz =
        sizeof bare.note + sizeof bare.name + size;
    return rts_object_from_memory(&bare, sizeof bare, path, NULL);
}

bool rts_object_is_bare(const struct rts_object *object)
{
    return object->image.header.e_ident[EI_OSABI] == ELFOSABI_STANDALONE && object->image.bytes;
}
