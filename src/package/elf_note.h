/* SPDX-License-Identifier: Apache-2.0 */
/* The package metadata that a linker was told to put into an ELF file: a note of owner "FDO" and
 * type 0xcafe1a7e whose text is a JSON object (systemd's ELF_PACKAGE_METADATA). */
#ifndef RTS_PACKAGE_ELF_NOTE_H
#define RTS_PACKAGE_ELF_NOTE_H

#include "binary/object.h"

/* The purl that the note of `object` spells, owned by the caller; NULL when there is none or it
 * lacks what a purl needs. */
char *rts_elf_note_purl(const struct rts_object *object);

#endif
