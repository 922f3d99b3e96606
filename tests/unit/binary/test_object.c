/* SPDX-License-Identifier: Apache-2.0 */
/* The files of this system and this test itself, as readelf, nm, objdump and sha256sum see them. */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "binary/object.h"

#include "../oracle.h"
#include "../suite.h"
#include "elf_maker.h"

static const char *const files[] = {
    "/proc/self/exe",        "/bin/sh",     "/bin/bash",
    "/usr/bin/redis-server", "/usr/bin/xz", "/lib64/ld-linux-x86-64.so.2",
};

static const struct rts_debug_search no_search = {.tree = {.root_fd = -1}, .enabled = false};

static struct rts_object *open_object(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct rts_error error = {0};
    if (fd < 0)
        return NULL;
    struct rts_object *object = rts_object_open(fd, path, &no_search, &error);
    assert_string_equal(error.text, "");
    return object;
}

/* Calls `check` for each file of the list that is there. */
static void for_each_file(void (*check)(struct rts_object *object, const char *path))
{
    size_t checked = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *real = realpath(files[i], NULL);
        struct rts_object *object = real ? open_object(real) : NULL;
        if (object) {
            check(object, real);
            checked++;
        }
        rts_object_destroy(object);
        free(real);
    }
    assert_true(checked > 0);
}

static void check_build_id(struct rts_object *object, const char *path)
{
    char *answer = oracle_ask("readelf -nW %s 2>/dev/null | sed -n 's/.*Build ID: //p'", path);
    const struct rts_build_id *build_id = rts_object_build_id(object);
    char hex[2 * RTS_BUILD_ID_MAX + 1] = "";
    for (size_t i = 0; i < build_id->size; i++)
        snprintf(hex + 2 * i, 3, "%02x", build_id->bytes[i]);
    assert_string_equal(hex, answer);
    free(answer);
}

static void test_build_id(void **state)
{
    (void)state;
    ORACLE_NEEDS("readelf");
    for_each_file(check_build_id);
}

static void check_sha256(struct rts_object *object, const char *path)
{
    char *answer = oracle_ask("sha256sum <%s | cut -c1-64", path);
    assert_string_equal(rts_object_file_sha256(object), answer);
    assert_ptr_equal(rts_object_file_sha256(object), rts_object_file_sha256(object));
    free(answer);
}

static void test_sha256(void **state)
{
    (void)state;
    ORACLE_NEEDS("sha256sum");
    for_each_file(check_sha256);
}

/* A sparse file can be of any size at no cost to whoever made it. */
static void test_huge_file_is_not_hashed(void **state)
{
    (void)state;
    char path[] = "/tmp/rtsample-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    struct maker maker;
    maker_init(&maker);
    assert_int_equal(write(fd, maker.bytes, MAKER_SIZE), MAKER_SIZE);
    assert_int_equal(ftruncate(fd, (off_t)RTS_FILE_HASH_MAX + 1), 0);
    struct rts_object *object = rts_object_open(fd, "huge", NULL, NULL);
    assert_non_null(object);
    assert_null(rts_object_file_sha256(object));
    rts_object_destroy(object);
}

/* Each "start..end" of readelf, at its first and last byte; in between the unwinder's own answer.
 */
static void check_fdes(struct rts_object *object, const char *path)
{
    char *answer = oracle_ask("readelf --debug-dump=frames %s 2>/dev/null | "
                              "sed -n 's/.* FDE .*pc=\\([0-9a-f.]*\\).*/\\1/p'",
                              path);
    size_t count = 0;
    char *rest = answer;
    for (char *line; (line = strsep(&rest, "\n")) && *line; count++) {
        uint64_t start, end, found_start, found_end;
        assert_int_equal(sscanf(line, "%" SCNx64 "..%" SCNx64, &start, &end), 2);
        for (int k = 0; k < 2; k++) {
            assert_true(
                rts_object_fde_bounds(object, k ? end - 1 : start, &found_start, &found_end));
            assert_int_equal(found_start, start);
            assert_int_equal(found_end, end);
        }
        Dwarf_Frame *frame;
        Dwarf_Addr row_start, row_end;
        assert_int_equal(dwarf_cfi_addrframe(rts_object_eh_cfi(object), (start + end) / 2, &frame),
                         0);
        assert_int_equal(dwarf_frame_info(frame, &row_start, &row_end, NULL), 16);
        assert_true(row_start <= (start + end) / 2 && (start + end) / 2 < row_end);
        free(frame);
    }
    assert_true(count > 0);
    free(answer);
}

static void test_fdes(void **state)
{
    (void)state;
    ORACLE_NEEDS("readelf");
    for_each_file(check_fdes);
}

static void check_plt(struct rts_object *object, const char *path)
{
    char *answer = oracle_ask("objdump -d --no-show-raw-insn %s | "
                              "sed -n 's/^\\([0-9a-f]*\\) <\\(.*@plt\\)>:$/\\1 \\2/p'",
                              path);
    char *rest = answer;
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        uint64_t start;
        char name[512];
        struct rts_function function;
        assert_int_equal(sscanf(line, "%" SCNx64 " %511s", &start, name), 2);
        for (uint64_t k = 0; k < 6; k += 5) {
            assert_int_equal(rts_object_functions(object, start + k, &function, 1), 1);
            assert_string_equal(function.name, name);
            assert_int_equal(function.source, RTS_SYMBOL_PLT);
            assert_int_equal(function.start, start);
        }
    }
    free(answer);
}

static void test_plt(void **state)
{
    (void)state;
    ORACLE_NEEDS("objdump");
    for_each_file(check_plt);
}

/* Every sized function that nm lists is found at its start, under that name or with it as alias. */
static void check_symbols(struct rts_object *object, const char *path)
{
    char *answer = oracle_ask("{ nm -S %s; nm -SD %s; } 2>/dev/null | "
                              "sed -n 's/^\\([0-9a-f]*\\) \\([0-9a-f]*\\) [TtWwi] /\\1 \\2 /p' | "
                              "sed 's/@.*//'",
                              path, path);
    char *rest = answer;
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        uint64_t start, size;
        char name[512];
        struct rts_function function;
        assert_int_equal(sscanf(line, "%" SCNx64 " %" SCNx64 " %511s", &start, &size, name), 3);
        assert_int_equal(rts_object_functions(object, start, &function, 1), 1);
        assert_int_equal(function.start, start);
        bool found = strcmp(function.name, name) == 0;
        for (const char **alias = function.aliases; alias && *alias; alias++)
            found = found || strcmp(*alias, name) == 0;
        assert_true(found);
    }
    free(answer);
}

static void test_symbols(void **state)
{
    (void)state;
    ORACLE_NEEDS("nm");
    for_each_file(check_symbols);
}

/* This very function, found through our own memory map. */
static void test_own_code(void **state)
{
    (void)state;
    uint64_t pc = (uint64_t)(uintptr_t)test_own_code;
    char *line = NULL;
    FILE *maps = fopen("/proc/self/maps", "re");
    size_t capacity = 0;
    uint64_t start = 0, end = 0, offset = 0;
    while (getline(&line, &capacity, maps) > 0 && !(start <= pc && pc < end))
        assert_int_equal(
            sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &start, &end, &offset), 3);
    fclose(maps);
    free(line);
    struct rts_object *object = open_object("/proc/self/exe");
    uint64_t vaddr;
    struct rts_function function;
    uint8_t text[32];
    assert_true(rts_object_offset_to_vaddr(object, pc - start + offset, &vaddr));
    assert_int_equal(rts_object_functions(object, vaddr, &function, 1), 1);
    assert_string_equal(function.name, "test_own_code");
    assert_int_equal(function.source, RTS_SYMBOL_SYMTAB);
    assert_string_equal(rts_object_section(object, vaddr), ".text");
    assert_int_equal(rts_object_read_text(object, vaddr, text, sizeof text), sizeof text);
    assert_memory_equal(text, (const void *)(uintptr_t)pc, sizeof text);
    assert_int_equal(rts_object_machine(object), RTS_NATIVE_MACHINE);
    rts_object_destroy(object);
}

/* --- Files of our own making ------------------------------------------------------------------ */

static struct rts_object *make(const struct maker *maker)
{
    return rts_object_from_memory(maker->bytes, MAKER_SIZE, "made", NULL);
}

static void assert_vaddr(const struct rts_object *object, uint64_t offset, uint64_t expected)
{
    uint64_t vaddr = 0;
    assert_true(rts_object_offset_to_vaddr(object, offset, &vaddr));
    assert_int_equal(vaddr, expected);
}

static void test_offsets(void **state)
{
    (void)state;
    struct maker maker;
    uint64_t vaddr;
    maker_init(&maker);
    /* A page of the file in two executable segments: the one that has the byte goes before. */
    maker.segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                                     .p_flags = PF_R | PF_X,
                                     .p_offset = 0x1000,
                                     .p_vaddr = 0x401000,
                                     .p_filesz = 0x1800,
                                     .p_memsz = 0x1800};
    maker.segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                     .p_flags = PF_R | PF_X,
                                     .p_offset = 0x2800,
                                     .p_vaddr = 0x603800,
                                     .p_filesz = 0x100,
                                     .p_memsz = 0x100};
    maker.segments[2] = (Elf64_Phdr){.p_type = PT_LOAD,
                                     .p_flags = PF_R,
                                     .p_offset = 0x5000,
                                     .p_vaddr = 0x805000,
                                     .p_filesz = 0x100,
                                     .p_memsz = 0x100};
    struct rts_object *object = make(&maker);
    assert_vaddr(object, 0x1000, 0x401000);
    assert_vaddr(object, 0x27ff, 0x4027ff);
    assert_vaddr(object, 0x2800, 0x603800);
    assert_vaddr(object, 0x28ff, 0x6038ff);
    assert_vaddr(object, 0x2900, 0x402900); /* in neither: the first whose page holds it */
    assert_vaddr(object, 0x2fff, 0x402fff);
    assert_false(rts_object_offset_to_vaddr(object, 0x0fff, &vaddr));
    assert_false(rts_object_offset_to_vaddr(object, 0x3000, &vaddr));
    assert_false(rts_object_offset_to_vaddr(object, 0x5000, &vaddr));
    assert_false(rts_object_offset_to_vaddr(object, UINT64_MAX, &vaddr));
    assert_int_equal(rts_object_first_vaddr(object), 0x401000);
    rts_object_destroy(object);
}

/* From a mapping of the file to where its text is, as the loader places both. */
static void test_text_places(void **state)
{
    (void)state;
    struct maker maker;
    struct rts_text_place place;
    maker_init(&maker);
    maker.segments[0] =
        (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = 0x800, .p_memsz = 0x800};
    maker.segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                     .p_flags = PF_R | PF_X,
                                     .p_offset = 0x1000,
                                     .p_vaddr = 0x1000,
                                     .p_filesz = 0x1800,
                                     .p_memsz = 0x3000};
    /* Its first page in the file is the last one of the text. */
    maker.segments[2] = (Elf64_Phdr){.p_type = PT_LOAD,
                                     .p_flags = PF_R | PF_W,
                                     .p_offset = 0x2900,
                                     .p_vaddr = 0x5900,
                                     .p_filesz = 0x100,
                                     .p_memsz = 0x100};
    struct rts_object *object = make(&maker);
    const uint64_t bias = 0x555555550000;
    /* By the headers, and by the data. */
    const struct {
        uint64_t address, offset;
    } mappings[] = {{bias, 0}, {bias + 0x5000, 0x2000}};
    for (size_t i = 0; i < 2; i++) {
        assert_true(rts_object_text_place(object, mappings[i].address, mappings[i].offset,
                                          bias + 0x1234, 0, &place));
        assert_int_equal(place.bias, bias);
        assert_int_equal(place.start, bias + 0x1000);
        assert_int_equal(place.end, bias + 0x2800); /* what is not in the file cannot be compared */
        assert_int_equal(place.offset, 0x1000);
        assert_false(rts_object_text_place(object, mappings[i].address, mappings[i].offset,
                                           bias + 0x1234, 1, &place));
        assert_false(rts_object_text_place(object, mappings[i].address, mappings[i].offset,
                                           bias + 0x2800, 0, &place));
        assert_false(rts_object_text_place(object, mappings[i].address, mappings[i].offset,
                                           bias + 0xfff, 0, &place));
    }
    assert_false(rts_object_text_place(object, bias, 0x9000, bias + 0x1234, 0, &place));
    assert_false(rts_object_text_place(object, bias, UINT64_MAX, bias + 0x1234, 0, &place));
    /* Half of the text is mapped still. */
    assert_true(rts_object_text_place(object, bias + 0x1000, 0x1000, bias + 0x2345, 0, &place));
    assert_int_equal(place.bias, bias);
    rts_object_destroy(object);
}

static void test_first_vaddr_is_rounded(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    maker.segments[0].p_offset = 0x40;
    maker.segments[0].p_vaddr = 0x7f0000000040;
    struct rts_object *object = make(&maker);
    assert_int_equal(rts_object_first_vaddr(object), 0x7f0000000000);
    assert_vaddr(object, 0, 0x7f0000000000);
    rts_object_destroy(object);
}

static void test_text(void **state)
{
    (void)state;
    struct maker maker;
    uint8_t bytes[64];
    maker_init(&maker);
    memcpy(maker.bytes + MAKER_TEXT, "instructions", 12);
    maker.segments[0].p_memsz += 0x1000;
    struct rts_object *object = make(&maker);
    assert_int_equal(rts_object_read_text(object, MAKER_BASE + MAKER_TEXT, bytes, 12), 12);
    assert_memory_equal(bytes, "instructions", 12);
    assert_int_equal(rts_object_read_text(object, MAKER_BASE + MAKER_SIZE - 5, bytes, 64), 5);
    assert_int_equal(rts_object_read_text(object, MAKER_BASE + MAKER_SIZE, bytes, 64), 0);
    assert_int_equal(rts_object_read_text(object, MAKER_BASE - 1, bytes, 64), 0);
    assert_int_equal(rts_object_read_text(object, UINT64_MAX, bytes, 64), 0);
    rts_object_destroy(object);
    maker.segments[0].p_flags = PF_R;
    object = make(&maker);
    assert_int_equal(rts_object_read_text(object, MAKER_BASE + MAKER_TEXT, bytes, 12), 0);
    rts_object_destroy(object);
}

/* A segment may say that it goes on behind the end of a file that was cut off. */
static void test_cut_off_text(void **state)
{
    (void)state;
    struct maker maker;
    uint8_t bytes[64];
    maker_init(&maker);
    maker.segments[0].p_filesz = maker.segments[0].p_memsz = 0x100000;
    struct rts_object *object = make(&maker);
    assert_int_equal(rts_object_read_text(object, MAKER_BASE + MAKER_SIZE - 5, bytes, 64), 5);
    assert_int_equal(rts_object_read_text(object, MAKER_BASE + MAKER_SIZE, bytes, 64), 0);
    rts_object_destroy(object);
}

static void test_nothing_known(void **state)
{
    (void)state;
    struct maker maker;
    struct rts_function functions[4];
    uint64_t start, end;
    maker_init(&maker);
    struct rts_object *object = make(&maker);
    assert_null(rts_object_eh_cfi(object));
    assert_null(rts_object_debug_cfi(object));
    assert_false(rts_object_fde_bounds(object, MAKER_BASE + MAKER_TEXT, &start, &end));
    assert_int_equal(rts_object_functions(object, MAKER_BASE + MAKER_TEXT, functions, 4), 0);
    assert_int_equal(rts_object_functions(object, MAKER_BASE + MAKER_TEXT, functions, 0), 0);
    assert_int_equal(rts_object_build_id(object)->size, 0);
    assert_int_equal(rts_object_entry(object), MAKER_BASE + MAKER_TEXT);
    assert_string_equal(rts_object_path(object), "made");
    rts_object_destroy(object);
    rts_object_destroy(NULL);
}

static void test_failures(void **state)
{
    (void)state;
    struct maker maker;
    struct rts_error error;
    maker_init(&maker);
    maker.segments[0].p_type = PT_NULL;
    assert_null(rts_object_from_memory(maker.bytes, MAKER_SIZE, "made", &error));
    assert_string_equal(error.text, "made: no segment that is loaded");
    assert_null(rts_object_from_memory(maker.bytes, 0, NULL, NULL));
    assert_null(rts_object_open(open("/", O_RDONLY | O_CLOEXEC), "/", NULL, &error));
    assert_string_equal(error.text, "/: not a regular file");
    assert_null(rts_object_open(-1, NULL, NULL, &error));
}

/* What stands for a file that cannot be read, and what a trace makes of its image. */
static void bare_object(void **state)
{
    (void)state;
    const struct rts_build_id build_id = {.size = 20, .bytes = {1, 2, 3, [19] = 20}};
    struct rts_object *bare = rts_object_bare(&build_id, "/no/such/file");
    assert_non_null(bare);
    size_t size;
    const void *image = rts_object_image(bare, &size);
    struct rts_object *copies[] = {bare, rts_object_from_memory(image, size, "copy", NULL)};
    for (size_t i = 0; i < 2; i++) {
        struct rts_function function;
        uint64_t vaddr;
        assert_non_null(copies[i]);
        assert_true(rts_object_is_bare(copies[i]));
        assert_int_equal(rts_object_build_id(copies[i])->size, 20);
        assert_memory_equal(rts_object_build_id(copies[i])->bytes, build_id.bytes, 20);
        assert_true(rts_object_offset_to_vaddr(copies[i], 0x12345, &vaddr));
        assert_int_equal(vaddr, 0x12345);
        assert_int_equal(rts_object_functions(copies[i], vaddr, &function, 1), 1);
        assert_string_equal(function.name, "offset_12345");
        assert_int_equal(function.source, RTS_SYMBOL_NONE);
        assert_int_equal(rts_object_first_vaddr(copies[i]), 0);
        rts_object_destroy(copies[i]);
    }
    struct rts_object *own = open_object("/proc/self/exe");
    assert_false(rts_object_is_bare(own));
    rts_object_destroy(own);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build_id),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_fdes),
        cmocka_unit_test(test_plt),
        cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_own_code),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_text_places),
        cmocka_unit_test(test_first_vaddr_is_rounded),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_cut_off_text),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_huge_file_is_not_hashed),
        cmocka_unit_test(bare_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
