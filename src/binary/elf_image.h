/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes and headers of one ELF file of this machine's kind (64-bit, native byte order, so the
 * structures of <elf.h> are read as they are). Bytes are copied out with pread(), never mapped: a
 * mapped file that is truncated by its owner would end us with SIGBUS.
 *
 * Headers are checked when the image is opened. Program headers that lie outside the file fail the
 * open; section headers that do are treated as absent, since a running program needs none.
 */
#ifndef RTS_BINARY_ELF_IMAGE_H
#define RTS_BINARY_ELF_IMAGE_H

#include <elf.h>

#include "binary/file_watch.h"
#include "types.h"
#include "util/error.h"

/* The architecture this program was built for: code of another one cannot be unwound here. */
#if defined(__x86_64__)
#define RTS_NATIVE_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define RTS_NATIVE_MACHINE EM_AARCH64
#else
#error "unsupported architecture"
#endif

/* Whether the file begins as an ELF file does, of any machine and in any state. */
bool rts_is_elf(int fd);

struct rts_elf_image;

/* Does the file only tell about code elsewhere, as separate debug files do? */
bool rts_elf_image_is_debug_only(const struct rts_elf_image *image);

struct rts_section {
    const char *name; /* owned by the image; "" when the name table is unusable */
    Elf64_Shdr header;
};

struct rts_elf_image {
    int fd;                       /* owned; -1 for an image in memory */
    uint8_t *bytes;               /* owned; NULL for a file */
    struct rts_file_watch *watch; /* owned; NULL for an image in memory */
    uint64_t size;
    bool foreign; /* the file is neither root's nor ours: see rts_elf_image_limit() */
    uint64_t page_size;
    Elf64_Ehdr header;
    Elf64_Phdr *segments;
    size_t segment_count;
    struct rts_section *sections; /* index = ELF section index */
    size_t section_count;         /* 0 when section headers are gone or unusable */
    uint32_t *by_address;         /* indices of sections that take up memory, by sh_addr */
    size_t by_address_count;
    char *section_names;
    size_t section_names_size;
};

/* Both take ownership of what they are given in every case; on failure nothing is left to finish.
 * `bytes` is from malloc(). */
int rts_elf_image_open(struct rts_elf_image *image, int fd, struct rts_error *error);
int rts_elf_image_from_bytes(struct rts_elf_image *image, uint8_t *bytes, size_t size,
                             struct rts_error *error);
void rts_elf_image_finish(struct rts_elf_image *image);

/* As rts_elf_image_open(), for a file that is not run: it may be relocatable as well. */
int rts_elf_image_open_debug(struct rts_elf_image *image, int fd, struct rts_error *error);

/* What may be read at once of something of which `limit` bytes may be of any file: a part of it
 * where the file is neither root's nor ours, since whoever likes to can make one with as much as we
 * take. Programs that people compile for themselves have less, but for browsers and compilers with
 * all their debug information. */
#define RTS_FOREIGN_PART_MAX (64ULL << 20)
uint64_t rts_elf_image_limit(const struct rts_elf_image *image, uint64_t limit);

/* Whether all that was read of it is what the file had when it was opened (binary/file_watch.h): to
 * be asked before what was made of it is believed. Always true of an image in memory. */
bool rts_elf_image_is_intact(const struct rts_elf_image *image);

/* Whether it was found that it is not. */
bool rts_elf_image_has_changed(const struct rts_elf_image *image);

/* The memory that it takes. */
size_t rts_elf_image_bytes(const struct rts_elf_image *image);

/* Reads exactly `size` bytes at file offset `offset`; false when they are not all there, or the
 * file was written to since it was opened. */
bool rts_elf_image_read(const struct rts_elf_image *image, uint64_t offset, void *bytes,
                        size_t size);

/* As above into new memory that the caller frees, with a NUL byte added behind. NULL when `size` is
 * 0 or beyond `limit`, the bytes are not all there, or memory is short. */
void *rts_elf_image_load(const struct rts_elf_image *image, uint64_t offset, uint64_t size,
                         uint64_t limit);

/* The PT_LOAD segment whose memory holds `vaddr` and that has all of `flags` (PF_X …), or NULL. */
const Elf64_Phdr *rts_elf_image_segment_at(const struct rts_elf_image *image, uint64_t vaddr,
                                           uint32_t flags);

/* The first segment of a type, or NULL. */
const Elf64_Phdr *rts_elf_image_segment_of_type(const struct rts_elf_image *image, uint32_t type);

/* File offset of the byte at `vaddr`, and how many bytes of that segment's file part follow from
 * there on. False when no PT_LOAD has it in its file part. */
bool rts_elf_image_offset_of(const struct rts_elf_image *image, uint64_t vaddr, uint64_t *offset,
                             uint64_t *available);

/* The section of that name with content in the file, or NULL. */
const struct rts_section *rts_elf_image_section(const struct rts_elf_image *image,
                                                const char *name);
/* The first section of that type, or NULL. */
const struct rts_section *rts_elf_image_section_of_type(const struct rts_elf_image *image,
                                                        uint32_t type);

/* The section that takes up memory at `vaddr`, or NULL. */
const struct rts_section *rts_elf_image_section_at(const struct rts_elf_image *image,
                                                   uint64_t vaddr);

/* Whether `vaddr` may hold instructions: in an executable section; in an executable PT_LOAD where
 * section headers are gone. */
bool rts_elf_image_is_code(const struct rts_elf_image *image, uint64_t vaddr);

#endif
