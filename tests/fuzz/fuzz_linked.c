/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written into a file about the packages that it is made of, of any content: the note of
 * linkers, the crates that cargo-auditable lists, the modules of Go. The first byte of the input
 * chooses which, and whether it is the section, or what is in it once headers, lengths and
 * compression are as they should be. What stands behind the last byte 0x1e is the name of a
 * function of it. tests/fuzz/run builds it with libFuzzer and runs it; tests/fuzz/seeds.py makes
 * what it begins with.
 */
#include <string.h>
#include <zlib.h>

#include "fuzz_elf.h"
#include "fuzz_main.h"
#include "fuzz_purl.h"
#include "package/components.h"
#include "package/elf_note.h"

#define SEPARATOR 0x1e
#define INPUT_MAX 16384

/* The text of Go's list, between two marks of this size. */
#define SENTINEL 16

enum kind {
    NOTE,
    NOTE_TEXT,
    CRATES,
    CRATES_TEXT,
    GO,
    GO_TEXT,
    KINDS
};

static const char *const sections[KINDS] = {
    ".note.package", ".note.package", ".dep-v0", ".dep-v0", ".go.buildinfo", ".go.buildinfo",
};

struct bytes {
    uint8_t *data;
    size_t size;
};

static struct bytes allocate(size_t size)
{
    struct bytes made = {calloc(1, size + 1), size};
    if (!made.data)
        abort();
    return made;
}

static struct bytes make_note(const uint8_t *text, size_t size)
{
    const Elf64_Nhdr note = {4, (uint32_t)size, 0xcafe1a7e};
    struct bytes made = allocate(sizeof note + 4 + size);
    memcpy(made.data, &note, sizeof note);
    memcpy(made.data + sizeof note, "FDO", 4);
    memcpy(made.data + sizeof note + 4, text, size);
    return made;
}

static struct bytes make_crates(const uint8_t *text, size_t size)
{
    uLongf packed = compressBound(size);
    struct bytes made = allocate(packed);
    if (compress2(made.data, &packed, text, size, 1) != Z_OK)
        abort();
    made.size = packed;
    return made;
}

/* As Go 1.18 and later write it. */
static struct bytes make_go(const uint8_t *text, size_t size)
{
    static const uint8_t head[32] = "\xff Go buildinf:\x08\x02", version[] = "\x06go1.20";
    const size_t length = size + 2 * SENTINEL;
    struct bytes made = allocate(sizeof head + sizeof version - 1 + 3 + length);
    uint8_t *at = mempcpy(made.data, head, sizeof head);
    at = mempcpy(at, version, sizeof version - 1);
    *at++ = (uint8_t)(length | 0x80);
    *at++ = (uint8_t)(length >> 7 | 0x80);
    *at++ = (uint8_t)(length >> 14);
    memset(at, 'x', SENTINEL);
    memcpy(at + SENTINEL, text, size);
    return made;
}

static struct bytes make_section(enum kind kind, const uint8_t *text, size_t size)
{
    switch (kind) {
    case NOTE_TEXT: return make_note(text, size);
    case CRATES_TEXT: return make_crates(text, size);
    case GO_TEXT: return make_go(text, size);
    default: break;
    }
    struct bytes made = allocate(size);
    memcpy(made.data, text, size);
    return made;
}

static void ask(const struct rts_object *object, const char *function)
{
    static const char *const functions[] = {
        "main.main", "runtime.gcBgMarkWorker", "example.com/a/b%2ec.(*T[go.x/y]).m",
        "_ZN4a_b_1c17h0123456789abcdefE", "_RNvMs_NtCs1234_7mycrateNtB4_3Foo3bar"};
    char *purl = rts_elf_note_purl(object);
    if (purl)
        fuzz_check_purl(purl);
    free(purl);
    struct rts_components *components = rts_components_read(object);
    if (!components)
        return;
    volatile size_t used = rts_components_bytes(components);
    if (components->count > RTS_COMPONENTS_MAX)
        abort();
    for (size_t i = 0; i <= sizeof functions / sizeof *functions; i++) {
        bool last = i == sizeof functions / sizeof *functions;
        const char *found = rts_components_purl(components, last ? function : functions[i]);
        if (found)
            fuzz_check_purl(found);
    }
    for (size_t i = 0; i < components->count; i++) {
        used += strlen(components->items[i].name);
        if (components->items[i].purl)
            fuzz_check_purl(components->items[i].purl);
        if (i > 0 && strcmp(components->items[i - 1].name, components->items[i].name) >= 0)
            abort();
    }
    rts_components_destroy(components);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    enum kind kind = data[0] % KINDS;
    const uint8_t *end = memrchr(data, SEPARATOR, size);
    if (!end || end == data)
        end = data + size;
    const char *behind = end < data + size ? (const char *)end + 1 : "";
    char *function = strndup(behind, end < data + size ? (size_t)(data + size - end - 1) : 0);
    struct bytes section = make_section(kind, data + 1, (size_t)(end - data - 1));
    struct fuzz_sections all = {.count = 0};
    size_t file_size;
    fuzz_sections_add(&all, sections[kind], section.data, section.size);
    uint8_t *file = fuzz_elf_make(&all, &file_size);
    struct rts_object *object = rts_object_from_memory(file, file_size, "input", NULL);
    if (!object)
        abort();
    ask(object, function);
    rts_object_destroy(object);
    free(file);
    free(section.data);
    free(function);
    return 0;
}
