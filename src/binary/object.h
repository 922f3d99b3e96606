/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ELF file as the other stages see it: program headers, build-id, load base, CFI, function
 * bounds and names. Everything in the file is untrusted; every part is parsed lazily, on first
 * need, from private memory (never from a shared mapping of the file, since the file may be
 * truncated or rewritten while it is read).
 *
 * An object is created from an open file and owns it. Objects are shared by every process that maps
 * the file and live in an object cache (binary/object_cache.h).
 */
#ifndef RTS_BINARY_OBJECT_H
#define RTS_BINARY_OBJECT_H

#include <elfutils/libdw.h>
#include <libelf.h>

#include "binary/cfi_program.h"
#include "binary/function.h"
#include "binary/hash_cache.h"
#include "broker/tree.h"
#include "types.h"
#include "util/error.h"
#include "util/share.h"

/* Where separate debug files are searched, below the root directory of the target. */
struct rts_debug_search {
    struct rts_tree tree; /* absolute paths are resolved there first; then in our own root, with the
                             same rights */
    uint64_t namespace;   /* inode of the mount namespace that shows the root; 0: our own */
    unsigned owner;       /* whose share remembers that it cannot be read (util/ledger.h) */
    bool enabled;
};

/* Creates an object from a regular file. Takes ownership of `fd` in every case. `path` is the path
 * inside the target's mount namespace (used to search for .gnu_debuglink files and in messages; may
 * be NULL). `search` may be NULL: no separate debug files; it is used during this call only (an
 * own O_PATH duplicate of its root is kept). Fails when the file is not an ELF of this machine's
 * class and byte order or its headers are unusable. */
struct rts_object *rts_object_open(int fd, const char *path, const struct rts_debug_search *search,
                                   struct rts_error *error);

/* Creates an object from an ELF image in memory (the vDSO). Copies the bytes. */
struct rts_object *rts_object_from_memory(const void *bytes, size_t size, const char *name,
                                          struct rts_error *error);

/* Creates an object for a file that cannot be read, whose build-id the kernel told: link-time
 * addresses are offsets in the file, and the function at one is offset_<hex>, of RTS_SYMBOL_NONE.
 * It is an ELF image in memory that says so, and can be kept as one. NULL: no memory. */
struct rts_object *rts_object_bare(const struct rts_build_id *build_id, const char *path);
bool rts_object_is_bare(const struct rts_object *object);

/* Frees the object and everything that was parsed from it. Accepts NULL. */
void rts_object_destroy(struct rts_object *object);

/* A number that no other object of this run has, never 0 and never reused: the key for caches that
 * hold facts about an object without holding the object. */
uint32_t rts_object_serial(const struct rts_object *object);

/* Tells its file from all others, also after it was let go of and opened again: a digest of what
 * the kernel and its root say of it. A build-id is what the file says of itself. */
#define RTS_OBJECT_KEY_SIZE 16
const uint8_t *rts_object_key(const struct rts_object *object);

/* Has that made of `identity`, of `size` bytes, instead of the content of an image. */
void rts_object_set_key(struct rts_object *object, const void *identity, size_t size);

/* The same for files of the same headers and size, on whatever machine: tells files of one build-id
 * apart where whoever made one alike is fooled alone. */
uint64_t rts_object_likeness(const struct rts_object *object);

/* Marks it as a file that was taken for the recorded one by its path and its segments alone, since
 * the trace has nothing better. */
void rts_object_set_by_path(struct rts_object *object);
bool rts_object_is_by_path(const struct rts_object *object);

/* The path given at creation, for messages and the closing summary only: it must never leave. */
const char *rts_object_path(const struct rts_object *object);

/* The GNU build-id: from PT_NOTE segments, else from SHT_NOTE sections; size 0 when there is none.
 */
const struct rts_build_id *rts_object_build_id(const struct rts_object *object);

/* Larger files are not hashed: a sparse file costs its owner nothing, and us hours. */
#define RTS_FILE_HASH_MAX (512ULL << 20)

/* The SHA-256 of the whole file as 64 hex digits, computed on first call; NULL if reading fails, or
 * beyond RTS_FILE_HASH_MAX. */
const char *rts_object_file_sha256(struct rts_object *object);

/* Whether the file is still what it was when it was opened (binary/file_watch.h): then what is
 * asked of it is what was mapped. Once it is not, nothing more is read of it: functions that were
 * not named before are known by the CFI, if that was read in time, else by their place in the file,
 * as those of a bare object are, which is said of a limited number of files. */
bool rts_object_is_intact(const struct rts_object *object);

/* When the content of its file was changed last, as of the last look: wall time in nanoseconds. 0:
 * it is not a file, or the times are those of another machine's clock. */
int64_t rts_object_modified_ns(const struct rts_object *object);

/* Whether that was found already. */
bool rts_object_has_changed(const struct rts_object *object);

/* Has that asked of this cache first, and remembered there. It must live as long as the object. */
void rts_object_use_hashes(struct rts_object *object, struct rts_hash_cache *hashes);

/* Has it count there, together with other objects, that its debug information cannot be read, which
 * is said of a limited number of files only. The number must live as long as the object. */
void rts_object_count_unread(struct rts_object *object, unsigned *files);

/* Has the memory that it takes counted there, which must live as long as the object. */
void rts_object_use_share(struct rts_object *object, struct rts_share *share);

/* Counts `bytes` more for it, that the caller holds until the object is gone. */
void rts_object_charge(struct rts_object *object, size_t bytes);

/* A sample was taken in it, in a process of this owner (process/owner.h): it is the last to be let
 * go of. It takes room of the share of its first owner, or of root once that has been one. */
void rts_object_see(struct rts_object *object, unsigned owner);
unsigned rts_object_owner(const struct rts_object *object);

/* Has the object cache chosen to let go of it (rts_object_cache_choose())? */
bool rts_object_is_unwanted(const struct rts_object *object);

/* The bytes of an object that was made of memory, owned by it; NULL of a file. */
const void *rts_object_image(const struct rts_object *object, size_t *size);

/* ELF e_machine and e_entry (link-time address). */
uint16_t rts_object_machine(const struct rts_object *object);
uint64_t rts_object_entry(const struct rts_object *object);

/* Whether it says itself that it is a program: it has a fixed address, names a dynamic linker, or
 * is marked as one. */
bool rts_object_is_program(const struct rts_object *object);

/* Link-time address of the byte at file offset `offset`, as the loader maps it: through the
 * executable PT_LOAD whose page-rounded file range holds the offset (an exact range before a merely
 * page-rounded one). Returns false when none does. */
bool rts_object_offset_to_vaddr(const struct rts_object *object, uint64_t offset, uint64_t *vaddr);

/* Do loaders map an executable PT_LOAD of this file with this offset and size, both in bytes? They
 * map the pages of the segment; with the first one, kernels and dynamic linkers may begin with the
 * span of them all. False also where the file lacks what is to be mapped: it is cut short, or holds
 * debug information alone. */
bool rts_object_maps_as(const struct rts_object *object, uint64_t offset, uint64_t size);

/* Where an executable segment lies in memory. */
struct rts_text_place {
    uint64_t bias;       /* pc - vaddr */
    uint64_t start, end; /* addresses in memory of what is in the file */
    uint64_t offset;     /* in the file, of `start` */
};

/* The `index`-th way in which the loader can have mapped the file such that a mapping at `address`
 * begins with the page at file offset `offset`, of any PT_LOAD, and an executable segment covers
 * `pc`. False: there are not that many. A segment that begins in that page is meant before one that
 * merely reaches into it; several that do make more than one way. */
bool rts_object_text_place(const struct rts_object *object, uint64_t address, uint64_t offset,
                           uint64_t pc, size_t index, struct rts_text_place *place);

/* Page-rounded p_vaddr of the first PT_LOAD: load base = this + bias. */
uint64_t rts_object_first_vaddr(const struct rts_object *object);

/* The `index`-th segment that is loaded to be read only, neither executed nor written: its
 * link-time address, its size in bytes and its offset in the file. False: there are not that many.
 */
bool rts_object_constants(const struct rts_object *object, size_t index, uint64_t *vaddr,
                          uint64_t *size, uint64_t *offset);

/* Copies up to `size` bytes of executable segment content at `vaddr`; returns how many. */
size_t rts_object_read_text(struct rts_object *object, uint64_t vaddr, void *bytes, size_t size);

/* CFI for unwinding: of .eh_frame (found through PT_GNU_EH_FRAME or by section name), and of
 * .debug_frame (of the file, else of its debug file). NULL when absent. Owned by the object; their
 * addresses are link-time addresses. */
Dwarf_CFI *rts_object_eh_cfi(struct rts_object *object);
Dwarf_CFI *rts_object_debug_cfi(struct rts_object *object);

/* Asks the table of a Go program. *size is set for RTS_GO_FRAME_SIZED: how far the stack pointer is
 * from where it was when the function was entered. */
enum rts_go_frame rts_object_go_frame(struct rts_object *object, uint64_t vaddr, uint32_t *size);

/* Bounds [*start, *end) of the FDE that covers `vaddr`, from .eh_frame or .debug_frame. Returns
 * false when none covers it. */
bool rts_object_fde_bounds(struct rts_object *object, uint64_t vaddr, uint64_t *start,
                           uint64_t *end);

/* The FDE of a function, for another reader than libdw: the section that it is in, vetted and in
 * .eh_frame form. The bytes are the object's, until anything else is asked of it. */
struct rts_object_fde {
    const uint8_t *section;
    size_t section_size;
    uint64_t section_vaddr; /* link-time addresses */
    uint64_t start, end;    /* of the function */
    uint64_t entry;         /* offset of the FDE in the section */
};

/* The one that covers `vaddr`; false: none does. */
bool rts_object_fde(struct rts_object *object, uint64_t vaddr, struct rts_object_fde *fde);

/* What that FDE mentions, in any of its rows: libdw does not tell a register that is undefined from
 * one of which nothing is said. Nothing where there is none. */
struct rts_cfi_mentions rts_object_cfi_mentions(struct rts_object *object, uint64_t vaddr);

/* An entry of a procedure linkage table. */
struct rts_linkage_slot {
    uint64_t start; /* link-time address */
    uint32_t size;  /* bytes */
    uint32_t
        pushed; /* words between the stack pointer and the return address where it is entered */
};

/* The one that covers `vaddr`. Needs section headers; false: there is none. */
bool rts_object_linkage_slot(struct rts_object *object, uint64_t vaddr,
                             struct rts_linkage_slot *slot);

/* Name of the section that holds `vaddr`; ".text" when section headers are gone or none holds it.
 * Owned by the object. */
const char *rts_object_section(struct rts_object *object, uint64_t vaddr);

/*
 * The functions that cover `vaddr`, innermost first: inlined subroutines (where there is DWARF),
 * then the function itself. Writes at most `capacity` entries and returns how many; 0 when nothing
 * is known, not even an FDE.
 *
 * The function itself is the first that exists of: a sized symbol that covers the address (of
 * several the one with the nearest start); a PLT slot; an unsized symbol at or before it whose
 * function is proven to reach it; the covering FDE as sub_<start in hex>. It is proven to where no
 * start or end of another symbol, of an FDE or of a section lies between, and an FDE has both, or
 * there is a .symtab from which no function is missing: its static ones are there, and all that
 * have an FDE. Neither .dynsym nor MiniDebugInfo is such a table.
 *
 * Among several symbols of one address one is chosen by this fixed rule, and the others are its
 * aliases: STT_FUNC and STT_GNU_IFUNC before STT_NOTYPE; global before weak before local; fewer
 * leading underscores; the shorter name; byte order.
 */
size_t rts_object_functions(struct rts_object *object, uint64_t vaddr,
                            struct rts_function *functions, size_t capacity);

#endif
