/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/inlines.h"
struct rts_inlines *rts_inlines_create(const struct rts_elf_image *image) { (void)image; return NULL; }
void rts_inlines_destroy(struct rts_inlines *inlines) { (void)inlines; }
size_t rts_inlines_at(struct rts_inlines *inlines, uint64_t vaddr, struct rts_function *functions, size_t capacity) { (void)inlines; (void)vaddr; (void)functions; (void)capacity; return 0; }
