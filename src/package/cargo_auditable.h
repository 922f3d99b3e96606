/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cargo-auditable writes into Rust programs, section .dep-v0: the crates that were linked, as
 * JSON compressed with zlib.
 */
#ifndef RTS_PACKAGE_CARGO_AUDITABLE_H
#define RTS_PACKAGE_CARGO_AUDITABLE_H

#include "binary/object.h"
#include "package/component_list.h"

/* Fills *components; false when `object` has no such list. */
bool rts_cargo_auditable_read(const struct rts_object *object, struct rts_components *components);

#endif
