/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Go's linker writes into every program since 1.13, section .go.buildinfo: the version of the
 * toolchain, the main module and its dependencies with their versions (`go version -m`).
 */
#ifndef RTS_PACKAGE_GO_BUILD_INFO_H
#define RTS_PACKAGE_GO_BUILD_INFO_H

#include "binary/object.h"
#include "package/component_list.h"

/* Fills *components; false when `object` is not a program of Go or does not say so. */
bool rts_go_build_info_read(const struct rts_object *object, struct rts_components *components);

#endif
