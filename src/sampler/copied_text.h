/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code in memory that is no file's, where a file's text belongs by the mappings around it: named as
 * that file's when the memory equals it byte for byte, page by page, and else not named.
 */
#ifndef RTS_SAMPLER_COPIED_TEXT_H
#define RTS_SAMPLER_COPIED_TEXT_H

#include "sampler/mapped_object.h"
#include "unwind/unwind.h"

/* Looks whether `pc`, in `mapping` of question->process, is in a copy of a file's text. Then *code
 * becomes that of the file; where the memory differs, code->text says so; else it stays what it is.
 */
void rts_copied_text_find(const struct rts_code_question *question, struct rts_mapping *mapping,
                          uint64_t pc, struct rts_code *code);

#endif
