/* SPDX-License-Identifier: Apache-2.0 */
/* What an object holds; only object*.c look inside. Parts are made on first need. */
#ifndef RTS_BINARY_OBJECT_STATE_H
#define RTS_BINARY_OBJECT_STATE_H

#include "binary/cfi.h"
#include "binary/debug_file.h"
#include "binary/elf_image.h"
#include "binary/go_table.h"
#include "binary/inlines.h"
#include "binary/object.h"
#include "binary/plt.h"
#include "binary/symbols.h"
#include "binary/unread.h"

/* What the cache that an object is in does for it, and keeps for all that are in it. */
struct rts_object_host {
    /* Drops parts of objects other than `object`, the least used first, until `bytes` more are
     * within the share, or there are no more. */
    void (*make_room)(void *context, const struct rts_object *object, uint64_t bytes);
    void *context;
    uint64_t crc_bytes[RTS_OWNERS_MAX]; /* read for checksums of debug files, by owner */
};

struct rts_object {
    uint32_t serial;
    uint8_t key[RTS_OBJECT_KEY_SIZE];
    uint64_t likeness;
    char *path; /* NULL when not given */
    struct rts_elf_image image;
    struct rts_build_id build_id;
    char sha256[RTS_SHA256_HEX_SIZE]; /* "" until computed */
    struct rts_hash_cache *hashes;    /* NULL: none */

    struct rts_unread unread; /* of this file and its debug file */
    bool by_path;             /* rts_object_set_by_path() */

    struct rts_tree tree; /* root_fd: own duplicate as long as something may be looked for */
    bool search;
    bool companion_tried;
    bool companion_found;
    struct rts_elf_image companion; /* the separate debug file */
    char *companion_path;

    bool eh_cfi_loaded;
    bool debug_cfi_loaded;
    bool symbols_loaded;
    bool symbols_compared; /* with the FDEs, with this outcome: */
    bool symbols_complete;
    bool plt_loaded;
    struct rts_cfi eh_cfi;
    struct rts_cfi debug_cfi;
    struct rts_symbols symbols;
    struct rts_plt plt;
    struct rts_inlines *inlines; /* NULL: none, or not tried */
    bool inlines_tried;
    struct rts_go_table go_table;
    bool go_table_tried;
    bool go_table_found;
    struct rts_table place_names; /* sub_<start> and offset_<place> handed out so far */

    struct rts_share *share; /* where its memory is counted; NULL: nowhere */
    size_t counted;          /* bytes of it that are, now */
    size_t charged;          /* bytes that others hold on its behalf */
    unsigned owner;          /* whose share that is; root's until it is owned */
    bool owned;
    struct rts_object_host *host; /* whose cache it is in; NULL: none */
    uint64_t asks; /* how often parts of it were used; halved by rts_object_cache_age() */
    bool asked;    /* since then */
    bool seen;     /* likewise, rts_object_see() */
    bool unwanted; /* see rts_object_cache_choose() */
};

/* object_key.c: until it is given another one. */
void rts_object_init_key(struct rts_object *object);

/* Counts what it takes now, after a part was loaded or has grown. */
void rts_object_count(struct rts_object *object);

/* How many descriptors it holds. */
unsigned rts_object_descriptors(const struct rts_object *object);

/* What the parts take that can be loaded again. */
size_t rts_object_part_bytes(const struct rts_object *object);

/* A part of some `bytes` is about to be loaded: the cache drops parts of other objects for it. */
void rts_object_make_room(struct rts_object *object, uint64_t bytes);

/* Frees those parts. Nothing that was handed out of them may be in use: names, aliases, CFI. */
void rts_object_drop_parts(struct rts_object *object);

/* To be asked when a part was read, and before it is believed: whether the file and its debug file
 * are what they were. If the latter is not, it is not used any more, and the part may be made again
 * without it. */
bool rts_object_part_is_sound(struct rts_object *object);

/* Each loads its part if need be. The companion and Go's table are NULL when there is
 * none. */
const struct rts_elf_image *rts_object_companion(struct rts_object *object);
const struct rts_go_table *rts_object_go_table(struct rts_object *object);
const struct rts_cfi *rts_object_load_eh_cfi(struct rts_object *object);
const struct rts_cfi *rts_object_load_debug_cfi(struct rts_object *object);

/* object_extent.c: whether the code from the unsized symbol at `start` on to `vaddr`, between which
 * no other one begins, is proven to be one function: one FDE has both, or no function of the file
 * is without a symbol. The symbols must be loaded. */
bool rts_object_symbol_reaches(struct rts_object *object, uint64_t start, uint64_t vaddr);

#endif
