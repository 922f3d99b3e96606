/* SPDX-License-Identifier: Apache-2.0 */
#include "package/os_release.h"

#include <string.h>

#include "package/line_reader.h"

/* A file of more lines is not an os-release. */
#define LINES_MAX 200

static void take_word(const char *value, char word[RTS_OS_WORD_SIZE])
{
    size_t quoted = *value == '"' || *value == '\'';
    const char *begin = value + quoted;
    size_t size =
        strspn(begin, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    if (size == 0 || size >= RTS_OS_WORD_SIZE || (begin[size] != '\0') != quoted)
        return;
    memcpy(word, begin, size);
    word[size] = '\0';
}

void rts_os_release_read(struct rts_reading *reading, struct rts_os_release *os)
{
    *os = (struct rts_os_release){0};
    struct rts_line_reader *reader = rts_line_reader_open(reading, "/etc/os-release", 0);
    if (!reader)
        reader = rts_line_reader_open(reading, "/usr/lib/os-release", 0);
    if (!reader)
        return;
    const char *line;
    for (int i = 0; i < LINES_MAX && (line = rts_line_reader_next(reader)); i++) {
        if (strncmp(line, "ID=", 3) == 0)
            take_word(line + 3, os->id);
        else if (strncmp(line, "VERSION_ID=", 11) == 0)
            take_word(line + 11, os->version_id);
    }
    rts_line_reader_close(reader);
}
