/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/mini_debug.h"

#include <lzma.h>
#include <stdlib.h>

#include "binary/section_data.h"
#include "util/cleanup.h"

/* First guess at the size of the output; doubled while it is too small. */
#define OUTPUT_FIRST (1u << 20)

static bool grow(uint8_t **output, size_t *capacity, size_t limit, lzma_stream *stream)
{
    size_t bigger = *capacity ? *capacity * 2 : OUTPUT_FIRST;
    if (bigger > limit)
        return false;
    uint8_t *moved = realloc(*output, bigger);
    if (!moved)
        return false;
    stream->next_out = moved + *capacity;
    stream->avail_out = bigger - *capacity;
    *output = moved;
    *capacity = bigger;
    return true;
}

/* The output in new memory, or NULL. */
static uint8_t *decompress(const uint8_t *input, size_t input_size, size_t limit, size_t *size)
{
    lzma_stream stream = LZMA_STREAM_INIT;
    uint8_t *output = NULL;
    size_t capacity = 0;
    if (lzma_stream_decoder(&stream, RTS_MINI_DEBUG_MEMORY_MAX, 0) != LZMA_OK)
        return NULL;
    stream.next_in = input;
    stream.avail_in = input_size;
    lzma_ret status = LZMA_OK;
    while (status == LZMA_OK && (stream.avail_out > 0 || grow(&output, &capacity, limit, &stream)))
        status = lzma_code(&stream, LZMA_FINISH);
    *size = (size_t)stream.total_out;
    lzma_end(&stream);
    if (status == LZMA_STREAM_END)
        return output;
    free(output);
    return NULL;
}

bool rts_mini_debug_open(struct rts_elf_image *mini, const struct rts_elf_image *image)
{
    const struct rts_section *section = rts_elf_image_section(image, ".gnu_debugdata");
    size_t packed_size, size;
    size_t limit = image->foreign ? RTS_MINI_DEBUG_FOREIGN_MAX : RTS_MINI_DEBUG_MAX;
    if (!section)
        return false;
    RTS_FREE uint8_t *packed =
        rts_section_data_load(image, section, RTS_MINI_DEBUG_PACKED_MAX, &packed_size);
    uint8_t *bytes = packed ? decompress(packed, packed_size, limit, &size) : NULL;
    if (!bytes || rts_elf_image_from_bytes(mini, bytes, size, NULL) < 0)
        return false;
    mini->foreign = image->foreign;
    return true;
}
