/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/section_data.h"

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#ifdef HAVE_LIBZSTD
#include <zstd.h>
#endif

#include "util/cleanup.h"

/* One read of compressed bytes. */
#define CHUNK 65536

/* zlib packs at most 1032 to 1: a header that claims more lies. */
#define ZLIB_RATIO_MAX 1032

/* A block of zstd holds 128 KiB at most, and is a header of three bytes and one byte at least. */
#define ZSTD_RATIO_MAX 32768

/* What does not shrink is not packed; a header and a checksum may come on top. */
#define ZSTD_OVERHEAD_MAX 512

/* <elf.h> of older systems does not have it. */
#define PACKED_BY_ZSTD 2

#define OLD_PREFIX ".zdebug_"
#define OLD_MAGIC  "ZLIB"

/* "ZLIB" and the size. */
struct old_header {
    char magic[4];
    uint8_t size[8];
};

enum packing_kind {
    PLAIN,
    ZLIB,
    ZSTD,
};

struct packing {
    enum packing_kind kind;
    uint64_t at, end; /* of the packed bytes in the file */
    uint64_t size;    /* unpacked */
};

static bool is_old_form(const struct rts_section *section)
{
    return strncmp(section->name, OLD_PREFIX, sizeof OLD_PREFIX - 1) == 0;
}

static bool read_old_header(const struct rts_elf_image *image, struct packing *packing)
{
    struct old_header header;
    if (packing->end - packing->at < sizeof header ||
        !rts_elf_image_read(image, packing->at, &header, sizeof header) ||
        memcmp(header.magic, OLD_MAGIC, sizeof header.magic) != 0)
        return false;
    packing->kind = ZLIB;
    packing->at += sizeof header;
    packing->size = 0;
    for (size_t i = 0; i < sizeof header.size; i++)
        packing->size = packing->size << 8 | header.size[i];
    return true;
}

static enum rts_section_fault read_header(const struct rts_elf_image *image,
                                          struct packing *packing)
{
    Elf64_Chdr header;
    if (packing->end - packing->at < sizeof header ||
        !rts_elf_image_read(image, packing->at, &header, sizeof header))
        return RTS_SECTION_DAMAGED;
    packing->at += sizeof header;
    packing->size = header.ch_size;
    if (header.ch_type == ELFCOMPRESS_ZLIB)
        packing->kind = ZLIB;
    else if (header.ch_type == PACKED_BY_ZSTD)
        packing->kind = ZSTD;
    else
        return RTS_SECTION_UNKNOWN_PACKING;
    return RTS_SECTION_SOUND;
}

static enum rts_section_fault look(const struct rts_elf_image *image,
                                   const struct rts_section *section, struct packing *packing)
{
    const Elf64_Shdr *header = &section->header;
    if (header->sh_type == SHT_NOBITS || header->sh_offset > image->size ||
        header->sh_size > image->size - header->sh_offset)
        return RTS_SECTION_DAMAGED;
    *packing = (struct packing){.kind = PLAIN,
                                .at = header->sh_offset,
                                .end = header->sh_offset + header->sh_size,
                                .size = header->sh_size};
    if (header->sh_flags & SHF_COMPRESSED) {
        enum rts_section_fault fault = read_header(image, packing);
        if (fault != RTS_SECTION_SOUND)
            return fault;
    } else if (is_old_form(section) && !read_old_header(image, packing)) {
        return RTS_SECTION_DAMAGED;
    }
#ifndef HAVE_LIBZSTD
    if (packing->kind == ZSTD)
        return RTS_SECTION_NEEDS_ZSTD;
#endif
    uint64_t ratio = packing->kind == PLAIN  ? 1
                     : packing->kind == ZLIB ? ZLIB_RATIO_MAX
                                             : ZSTD_RATIO_MAX;
    return packing->size / ratio > packing->end - packing->at ? RTS_SECTION_DAMAGED
                                                              : RTS_SECTION_SOUND;
}

const struct rts_section *rts_section_data_find_debug(const struct rts_elf_image *image,
                                                      const char *name)
{
    const struct rts_section *section = rts_elf_image_section(image, name);
    char old[64];
    if (section || snprintf(old, sizeof old, ".z%s", name + 1) >= (int)sizeof old)
        return section;
    return rts_elf_image_section(image, old);
}

enum rts_section_fault rts_section_data_fault(const struct rts_elf_image *image,
                                              const struct rts_section *section)
{
    struct packing packing;
    return look(image, section, &packing);
}

uint64_t rts_section_data_size(const struct rts_elf_image *image, const struct rts_section *section)
{
    struct packing packing;
    return look(image, section, &packing) == RTS_SECTION_SOUND ? packing.size : 0;
}

static bool inflate_from(const struct rts_elf_image *image, uint64_t offset, uint64_t end,
                         z_stream *stream)
{
    RTS_FREE uint8_t *chunk = malloc(CHUNK);
    while (chunk && offset < end) {
        size_t size = end - offset < CHUNK ? (size_t)(end - offset) : CHUNK;
        if (!rts_elf_image_read(image, offset, chunk, size))
            return false;
        offset += size;
        stream->next_in = chunk;
        stream->avail_in = (uInt)size;
        int status = inflate(stream, Z_NO_FLUSH);
        if (status == Z_STREAM_END)
            return true;
        /* Input left over means that there is more output than the header says. */
        if (status != Z_OK || stream->avail_in > 0)
            return false;
    }
    return false;
}

static bool unpack_zlib(const struct rts_elf_image *image, const struct packing *packing,
                        void *bytes)
{
    z_stream stream = {0};
    if (packing->size > UINT32_MAX || inflateInit(&stream) != Z_OK)
        return false;
    stream.next_out = bytes;
    stream.avail_out = (uInt)packing->size;
    bool whole = inflate_from(image, packing->at, packing->end, &stream) && stream.avail_out == 0;
    inflateEnd(&stream);
    return whole;
}

/* At once, since the output is the window then: a stream would need another as large. */
static bool unpack_zstd(const struct rts_elf_image *image, const struct packing *packing,
                        void *bytes)
{
#ifdef HAVE_LIBZSTD
    uint64_t packed_size = packing->end - packing->at;
    RTS_FREE void *packed =
        rts_elf_image_load(image, packing->at, packed_size, packing->size + ZSTD_OVERHEAD_MAX);
    return packed && ZSTD_decompress(bytes, (size_t)packing->size, packed, (size_t)packed_size) ==
                         (size_t)packing->size;
#else
    (void)image, (void)packing, (void)bytes;
    return false;
#endif
}

bool rts_section_data_read(const struct rts_elf_image *image, const struct rts_section *section,
                           void *bytes, size_t size)
{
    struct packing packing;
    if (size == 0 || look(image, section, &packing) != RTS_SECTION_SOUND || size != packing.size)
        return false;
    switch (packing.kind) {
    case ZLIB: return unpack_zlib(image, &packing, bytes);
    case ZSTD: return unpack_zstd(image, &packing, bytes);
    default: return rts_elf_image_read(image, packing.at, bytes, size);
    }
}

void *rts_section_data_load(const struct rts_elf_image *image, const struct rts_section *section,
                            uint64_t limit, size_t *size)
{
    uint64_t wanted = rts_section_data_size(image, section);
    if (wanted == 0 || wanted > limit)
        return NULL;
    char *bytes = malloc((size_t)wanted + 1);
    if (!bytes || !rts_section_data_read(image, section, bytes, (size_t)wanted)) {
        free(bytes);
        return NULL;
    }
    bytes[wanted] = '\0';
    *size = (size_t)wanted;
    return bytes;
}
