/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ELF file of any content, through everything that is asked of an object: names, FDE bounds,
 * unwind rows, Go's frames, sections, offsets; and as a file of units that were split off. With
 * libFuzzer, where BUILD is a configured folder:
 *
 *     tests/fuzz/make_object_seeds.sh seeds
 *     clang -g -O1 -std=gnu11 -D_GNU_SOURCE -Isrc -IBUILD -fsanitize=fuzzer,address,undefined \
 *         tests/fuzz/fuzz_object.c src/binary/[a-z]*.c src/types.c \
 *         src/util/[a-z]*.c \
 *         -ldw -lelf -llzma -lz -lzstd -lcrypto -o fuzz_object
 *     ./fuzz_object -max_len=16384 -timeout=10 -rss_limit_mb=2048 corpus seeds
 *
 * Built with RTS_FUZZ_MAIN it is a program that takes files instead, to replay findings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "binary/object.h"
#include "binary/object_state.h"
#include "binary/split_file.h"
#include "fuzz_main.h"

/* Addresses asked for in each executable segment, spread evenly, and around the first FDEs. */
#define SPREAD 24
#define FDES   24

/* Bytes in which ids are looked for, and DIEs and ranges of one unit, inside one another so deep.
 */
#define IDS   256
#define DIES  2000
#define DEPTH 40

static void ask_row(Dwarf_CFI *cfi, uint64_t vaddr)
{
    Dwarf_Frame *frame;
    if (!cfi || dwarf_cfi_addrframe(cfi, vaddr, &frame) != 0)
        return;
    Dwarf_Op *ops, ops_mem[3];
    size_t count;
    Dwarf_Addr start, end;
    bool is_signal;
    dwarf_frame_info(frame, &start, &end, &is_signal);
    dwarf_frame_cfa(frame, &ops, &count);
    for (int i = 0; i < 33; i++)
        dwarf_frame_register(frame, i, ops_mem, &ops, &count);
    free(frame);
}

static void ask(struct rts_object *object, uint64_t vaddr)
{
    struct rts_function functions[RTS_INLINE_DEPTH_MAX + 1];
    uint64_t start, end;
    uint8_t text[16];
    volatile size_t used = 0;
    size_t count = rts_object_functions(object, vaddr, functions, RTS_INLINE_DEPTH_MAX + 1);
    for (size_t i = 0; i < count; i++) {
        used += strlen(functions[i].name);
        for (const char **alias = functions[i].aliases; alias && *alias; alias++)
            used += strlen(*alias);
    }
    if (rts_object_fde_bounds(object, vaddr, &start, &end) && (vaddr < start || vaddr >= end))
        abort();
    ask_row(rts_object_eh_cfi(object), vaddr);
    ask_row(rts_object_debug_cfi(object), vaddr);
    uint32_t frame = 0;
    if (rts_object_go_frame(object, vaddr, &frame) == RTS_GO_FRAME_SIZED)
        used += frame;
    used += strlen(rts_object_section(object, vaddr));
    used += rts_object_read_text(object, vaddr, text, sizeof text);
}

static void ask_about_fdes(struct rts_object *object, const struct rts_cfi *cfi)
{
    for (size_t i = 0; i < cfi->index.count && i < FDES; i++) {
        ask(object, cfi->index.fdes[i].start);
        ask(object, cfi->index.fdes[i].start + cfi->index.fdes[i].size - 1);
    }
}

/* Ranges of the DIEs of a unit that was split off, whose addresses are any bytes. */
static void ask_dies(const struct rts_split_unit *unit, Dwarf_Die *parent, unsigned depth,
                     unsigned *budget)
{
    Dwarf_Die die;
    if (depth == DEPTH || dwarf_child(parent, &die) != 0)
        return;
    do {
        struct rts_dwarf_pcs pcs;
        uint64_t start, end;
        rts_dwarf_pcs_init(&pcs, &die, &unit->addresses);
        while (*budget > 0 && rts_dwarf_pcs_next(&pcs, &start, &end))
            --*budget;
        ask_dies(unit, &die, depth + 1, budget);
    } while (*budget > 0 && --*budget > 0 && dwarf_siblingof(&die, &die) == 0);
}

static void ask_split(const uint8_t *data, size_t size)
{
    struct rts_elf_image image;
    struct rts_split_file file;
    int fd = memfd_create("input", MFD_CLOEXEC);
    if (write(fd, data, size) != (ssize_t)size || rts_elf_image_open_debug(&image, fd, NULL) < 0)
        return;
    bool good = rts_split_file_init(&file, &image, "input", 1 << 20, NULL);
    rts_elf_image_finish(&image);
    if (!good)
        return;
    /* Where ids are: in the header of a unit, or in an index. */
    const struct rts_split_part *parts[] = {&file.sections[RTS_DWARF_INFO], &file.index};
    for (size_t i = 0; i < 2; i++)
        for (uint64_t at = 0; at + 8 <= parts[i]->size && at < IDS; at += 4) {
            uint64_t id;
            struct rts_split_unit unit;
            unsigned budget = DIES;
            memcpy(&id, file.bytes + parts[i]->at + at, sizeof id);
            if (!rts_split_file_open_unit(&file, id, &unit))
                continue;
            unit.addresses.table = data;
            unit.addresses.table_size = size;
            ask_dies(&unit, &unit.die, 0, &budget);
            rts_split_unit_close(&unit);
        }
    rts_split_file_finish(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ask_split(data, size);
    struct rts_object *object = rts_object_from_memory(data, size, "input", NULL);
    if (!object)
        return 0;
    for (size_t i = 0; i < object->image.segment_count; i++) {
        const Elf64_Phdr *segment = &object->image.segments[i];
        uint64_t vaddr;
        rts_object_offset_to_vaddr(object, segment->p_offset + segment->p_filesz / 2, &vaddr);
        for (uint64_t k = 0; (segment->p_flags & PF_X) && k < SPREAD; k++)
            ask(object, segment->p_vaddr + segment->p_memsz / SPREAD * k);
    }
    ask(object, rts_object_entry(object));
    ask(object, rts_object_first_vaddr(object));
    ask_about_fdes(object, rts_object_load_eh_cfi(object));
    ask_about_fdes(object, rts_object_load_debug_cfi(object));
    rts_object_file_sha256(object);
    rts_object_destroy(object);
    return 0;
}
