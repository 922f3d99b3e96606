/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of /proc/PID/maps that are wanted. A process can have a million of them, so the file is
 * read block by block and the others are not kept.
 */
#ifndef RTS_PROCESS_MAPS_TEXT_H
#define RTS_PROCESS_MAPS_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "types.h"
#include "util/buffer.h"

/* Twice what the largest default of distributions lets a process have (vm.max_map_count). */
#define RTS_MAPS_LINES_MAX 2097152

/* What is wanted has no more text: 65,530 mappings, the kernel's own limit, of 128 bytes. What is
 * beyond is left out. */
#define RTS_MAPS_TEXT_MAX ((size_t)8 << 20)

enum rts_maps_part {
    RTS_MAPS_ALL,
    RTS_MAPS_CODE, /* what may be executed */
    RTS_MAPS_NEAR, /* what is at an address, and the next mapped files below and above it */
};

struct rts_maps_wanted {
    enum rts_maps_part part;
    uint64_t address; /* RTS_MAPS_NEAR */
};

struct rts_maps_text {
    struct rts_buffer lines; /* owned; each with its newline */
    uint64_t read;           /* how many there were in all, or until it was cut */
    bool cut;                /* some that are wanted may be left out */
};

/* Zero-initialised `text` is filled, and finished by the caller in any case. Returns 0, or -1 with
 * errno. Waits for the process. */
int rts_maps_text_read(const char *proc_root, int32_t pid, const struct rts_maps_wanted *wanted,
                       struct rts_maps_text *text);

/* Calls `each` for every line that is one, which takes the text apart. */
void rts_maps_text_each(struct rts_maps_text *text,
                        void (*each)(void *context, const struct rts_maps_line *line),
                        void *context);
void rts_maps_text_finish(struct rts_maps_text *text);

#endif
