/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One CIE or FDE of .eh_frame, decoded and vetted. libdw is given only entries that passed here:
 * its interpreter of call frame programs trusts operands (a register number makes it allocate up
 * to that many registers, a remembered state is copied each time), so a program is accepted only
 * when every operand lies inside the entry and within the limits of cfi_program.h and below.
 */
#ifndef RTS_BINARY_CFI_ENTRY_H
#define RTS_BINARY_CFI_ENTRY_H

#include "binary/cfi_program.h"
#include "types.h"

/* Initial rules take some ten bytes; they are replayed for each FDE. */
#define RTS_CFI_INITIAL_MAX 1024
/* A row costs a few bytes; the largest hand-written functions have some thousand rows. */
#define RTS_CFI_PROGRAM_MAX (256u << 10)

/* The bytes of a section in .eh_frame format and the link-time address of its first byte. */
struct rts_cfi_bytes {
    const uint8_t *data;
    size_t size;
    uint64_t vaddr;
};

/* Where one entry lies. */
struct rts_cfi_entry {
    size_t offset;  /* of its length field */
    size_t content; /* of what follows its CIE pointer or id */
    size_t end;     /* behind its last byte */
    bool is_cie;
    bool has_cie; /* an FDE whose CIE pointer points into the section, before itself */
    size_t cie;   /* the offset it points to */
};

/* Locates the entry at *offset and moves *offset behind it. Zero length fields are skipped where
 * `past_terminator`, else they end the walk. False at the end or at a length that is not to be
 * believed. */
bool rts_cfi_entry_next(const struct rts_cfi_bytes *bytes, size_t *offset, bool past_terminator,
                        struct rts_cfi_entry *entry);

struct rts_cie {
    bool sized_augmentation; /* FDEs carry a sized augmentation block */
    uint8_t encoding;        /* DW_EH_PE_* of the addresses in its FDEs */
};

/* Both return false when the entry is malformed, or uses a form that is not supported. */
bool rts_cie_read(const struct rts_cfi_bytes *bytes, const struct rts_cfi_entry *entry,
                  struct rts_cie *cie);
bool rts_fde_read(const struct rts_cfi_bytes *bytes, const struct rts_cfi_entry *entry,
                  const struct rts_cie *cie, uint64_t *start, uint64_t *size);

/* What the vetted FDE at `offset` and its CIE mention. */
struct rts_cfi_mentions rts_fde_mentions(const struct rts_cfi_bytes *bytes, size_t offset);

#endif
