/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/section_data.h"

#include <stdlib.h>
#include <zlib.h>

#include "util/cleanup.h"

/* One read of compressed bytes. */
#define CHUNK 65536

/* zlib packs at most 1032 to 1: a header that claims more lies. */
#define RATIO_MAX 1032

uint64_t rts_section_data_size(const struct rts_elf_image *image, const struct rts_section *section)
{
    const Elf64_Shdr *header = &section->header;
    if (header->sh_type == SHT_NOBITS || header->sh_offset > image->size ||
        header->sh_size > image->size - header->sh_offset)
        return 0;
    if (!(header->sh_flags & SHF_COMPRESSED))
        return header->sh_size;
    Elf64_Chdr packed;
    if (header->sh_size < sizeof packed ||
        !rts_elf_image_read(image, header->sh_offset, &packed, sizeof packed) ||
        packed.ch_type != ELFCOMPRESS_ZLIB || packed.ch_size / RATIO_MAX > header->sh_size)
        return 0;
    return packed.ch_size;
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

bool rts_section_data_read(const struct rts_elf_image *image, const struct rts_section *section,
                           void *bytes, size_t size)
{
    const Elf64_Shdr *header = &section->header;
    if (size == 0 || size != rts_section_data_size(image, section))
        return false;
    if (!(header->sh_flags & SHF_COMPRESSED))
        return rts_elf_image_read(image, header->sh_offset, bytes, size);
    z_stream stream = {0};
    if (size > UINT32_MAX || inflateInit(&stream) != Z_OK)
        return false;
    stream.next_out = bytes;
    stream.avail_out = (uInt)size;
    bool whole = inflate_from(image, header->sh_offset + sizeof(Elf64_Chdr),
                              header->sh_offset + header->sh_size, &stream) &&
                 stream.avail_out == 0;
    inflateEnd(&stream);
    return whole;
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
