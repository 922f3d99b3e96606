/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call frame information of one section: the bounds of its FDEs, and a libdw handle for unwinding.
 *
 * libdw never sees the file. It is given an ELF image that is made here:
 *
 *     ELF header | program header | search table | .eh_frame, as in the file
 *                  PT_GNU_EH_FRAME ^
 *
 * The search table names vetted FDEs only (cfi_entry.h), so libdw reads no other, finds each by
 * binary search even where the file has no table, and none of the file's headers matter to it.
 * .debug_frame is first brought into .eh_frame form, which differs in how an entry names its CIE.
 */
#ifndef RTS_BINARY_CFI_H
#define RTS_BINARY_CFI_H

#include <elfutils/libdw.h>
#include <libelf.h>

#include "binary/elf_image.h"
#include "binary/fde_index.h"
#include "binary/unread.h"

/* The largest programs known have some 20 MiB of it. */
#define RTS_CFI_SIZE_MAX (256u << 20)

struct rts_cfi {
    struct rts_fde_index index;
    Dwarf_CFI *handle; /* NULL when there is no usable FDE */
    Elf *elf;
    uint8_t *image;
    size_t image_size;
    size_t section_size;    /* of the bytes at the end of the image: those of the section */
    uint64_t section_vaddr; /* their link-time address */
    size_t asked;           /* times that the handle was asked for: libdw keeps what it finds */
};

/* Both leave the structure empty when the file has no such CFI; `unread` is told when it has and
 * that cannot be read. */
void rts_cfi_init_eh_frame(struct rts_cfi *cfi, const struct rts_elf_image *image);
void rts_cfi_init_debug_frame(struct rts_cfi *cfi, const struct rts_elf_image *image,
                              struct rts_unread *unread);
void rts_cfi_finish(struct rts_cfi *cfi);

/* The memory that it takes, that of libdw by estimate. */
size_t rts_cfi_bytes(const struct rts_cfi *cfi);

#endif
