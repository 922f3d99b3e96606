/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a pc of a process at a time to the code that is mapped there: what the unwinder asks.
 */
#ifndef RTS_SAMPLER_CODE_MAP_H
#define RTS_SAMPLER_CODE_MAP_H

#include "sampler/mapped_object.h"
#include "unwind/unwind.h"

/* A struct rts_code_finder's function; `context` is a struct rts_code_question. */
struct rts_code rts_code_map_find(void *context, uint64_t pc);

#endif
