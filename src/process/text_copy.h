/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory in the place of a file's text. Programs move their code into huge pages: a copy of it, in
 * anonymous memory or in a file of a kind that has no names, takes the place of the mapped file,
 * and for the kernel it is code from nowhere. What is known of such a place is kept here: which
 * file's text belongs there, and for each page whether the memory was found to equal it.
 */
#ifndef RTS_PROCESS_TEXT_COPY_H
#define RTS_PROCESS_TEXT_COPY_H

#include "process/mapping.h"

/* Such places of one process: its program and some libraries, each in a few mappings. The oldest is
 * forgotten. */
#define RTS_TEXT_COPIES_MAX 16

/* Bytes of one: a byte is kept for each page of it. */
#define RTS_TEXT_COPY_SIZE_MAX (UINT64_C(1) << 30)

/* The unit of comparing, whatever the size of a page of memory is. */
#define RTS_TEXT_PAGE UINT64_C(4096)

enum rts_page_text {
    RTS_PAGE_UNKNOWN, /* it has not been compared, or could not be read */
    RTS_PAGE_SAME,
    RTS_PAGE_DIFFERENT,
};

struct rts_text_copy {
    uint32_t id;               /* of those of the process; never 0 */
    uint64_t start, end;       /* addresses in the target that the text belongs at */
    uint64_t bias;             /* pc - vaddr */
    uint64_t offset;           /* in the file, of what belongs at `start` */
    struct rts_mapping anchor; /* another mapping of the file, by which it is found; one reference
                                  to the file is held */
    uint8_t *pages;            /* enum rts_page_text for each RTS_TEXT_PAGE of addresses, and
                                  RTS_PAGE_STALE */
    uint64_t stale_ns;         /* from then on what is known is to be found out again */
    uint64_t lifetime_ns;      /* for which it was believed the last time */
};

/* A flag in `pages`: compared a while ago. What was found then holds while the memory cannot be
 * read. */
#define RTS_PAGE_STALE 0x80

struct rts_text_copies {
    struct rts_text_copy *items;
    size_t count;
    uint32_t last_id;
};

/* Adds a place with what `place` says (but for id, pages and the times), taking over the caller's
 * reference to its file; no page of it is known. Returns it, valid until the next one is added, or
 * NULL with the reference released when it is empty or too large. */
struct rts_text_copy *rts_text_copies_add(struct rts_text_copies *copies,
                                          const struct rts_text_copy *place,
                                          rts_mapped_file_release release, void *context);

/* The place with this id; NULL: there is none, or it was forgotten. */
struct rts_text_copy *rts_text_copies_find(const struct rts_text_copies *copies, uint32_t id);

/* What a child has of its parent's: the same memory, at first. *child is empty before. */
void rts_text_copies_inherit(struct rts_text_copies *child, const struct rts_text_copies *parent,
                             rts_mapped_file_retain retain, void *context);

void rts_text_copies_finish(struct rts_text_copies *copies, rts_mapped_file_release release,
                            void *context);

/* The pages of a place, and the byte for the one at an address within it. */
size_t rts_text_copy_pages(const struct rts_text_copy *copy);
uint8_t *rts_text_copy_page(const struct rts_text_copy *copy, uint64_t address);

/* At `now` (of the samples): has what is known become old? Then every page is marked as stale. Soon
 * at first, since a copy may be met while it is being made, and less and less often. */
void rts_text_copy_age(struct rts_text_copy *copy, uint64_t now);

#endif
