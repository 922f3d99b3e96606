/* SPDX-License-Identifier: Apache-2.0 */
/* From pcs of this process to the objects behind them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../oracle.h"
#include "../suite.h"
#include "../unwind/own_code.h"

/* The dynamic linker's own list is the oracle: its load bias and the first segment's address. */
struct loaded {
    const struct own_code *own;
    unsigned objects;
};

static int check_loaded(struct dl_phdr_info *info, size_t size, void *argument)
{
    (void)size;
    struct loaded *loaded = argument;
    uint64_t first = UINT64_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_vaddr < first)
            first = info->dlpi_phdr[i].p_vaddr & ~UINT64_C(4095);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
            continue;
        const uint64_t within[] = {0, segment->p_memsz / 2, segment->p_memsz - 1};
        for (size_t at = 0; at < 3; at++) {
            uint64_t pc = info->dlpi_addr + segment->p_vaddr + within[at];
            struct rts_code code = loaded->own->finder.find(loaded->own->finder.context, pc);
            assert_int_equal(code.kind, RTS_CODE_OBJECT);
            assert_non_null(code.object);
            assert_int_equal(code.bias, info->dlpi_addr);
            assert_int_equal(code.load_base, info->dlpi_addr + first);
        }
        loaded->objects++;
    }
    return 0;
}

static void test_all_that_is_loaded(void **state)
{
    (void)state;
    struct own_code own;
    own_code_init(&own);
    struct loaded loaded = {.own = &own};
    dl_iterate_phdr(check_loaded, &loaded);
    assert_true(loaded.objects >= 4); /* this program, libc, the vDSO, the dynamic linker */
    own_code_finish(&own);
}

static void test_no_file(void **state)
{
    (void)state;
    char path[] = "/tmp/rtsample-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "no ELF at all", 13), 13);
    void *text = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    void *anonymous = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *data = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct own_code own;
    own_code_init(&own);
    const struct rts_code_finder *finder = &own.finder;
    /* Twice: what was found out is remembered. */
    for (int round = 0; round < 2; round++) {
        if (text != MAP_FAILED)
            assert_int_equal(finder->find(finder->context, (uint64_t)(uintptr_t)text).kind,
                             RTS_CODE_ANONYMOUS);
        assert_int_equal(finder->find(finder->context, (uint64_t)(uintptr_t)anonymous).kind,
                         RTS_CODE_ANONYMOUS);
        assert_int_equal(finder->find(finder->context, (uint64_t)(uintptr_t)data).kind,
                         RTS_CODE_NONE);
        assert_int_equal(finder->find(finder->context, 0).kind, RTS_CODE_NONE);
        assert_int_equal(finder->find(finder->context, UINT64_MAX).kind, RTS_CODE_NONE);
    }
    own_code_finish(&own);
    munmap(anonymous, 4096);
    munmap(data, 4096);
    if (text != MAP_FAILED)
        munmap(text, 4096);
    close(fd);
    unlink(path);
}

static void map_self(struct own_code *own, int32_t pid, const struct rts_mapped_file *file)
{
    struct rts_mapping mapping = {.start = 0x10000, .end = 0x20000};
    rts_process_mapped(own->map.processes, pid, 100, &mapping, file);
    own->question.process = rts_process_find(own->map.processes, pid, 100);
    own->question.time = 100;
}

/* A build-id that the kernel told decides, not the path: the file there may be another one. */
static void test_build_id_decides(void **state)
{
    (void)state;
    static char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(size > 0);
    struct rts_object *object =
        rts_object_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), NULL, NULL, NULL);
    assert_non_null(object);
    struct rts_build_id build_id = *rts_object_build_id(object);
    rts_object_destroy(object);
    if (build_id.size == 0) {
        print_message("this program was linked without a build-id\n");
        skip();
    }
    struct own_code own;
    own_code_init(&own);
    struct rts_mapped_file file = {.path = path, .build_id = build_id};
    file.build_id.bytes[0] ^= 1;
    map_self(&own, 999999, &file);
    struct rts_code code = rts_code_map_find(&own.question, 0x10000);
    assert_int_equal(code.kind, RTS_CODE_NO_FILE);
    /* Not the file that is there, but the build-id alone. */
    assert_true(code.object && rts_object_is_bare(code.object));

    file.build_id = build_id;
    map_self(&own, 999998, &file);
    code = rts_code_map_find(&own.question, 0x10000);
    if (code.kind == RTS_CODE_OBJECT) /* when offset 0 is part of an executable segment's page */
        assert_memory_equal(rts_object_build_id(code.object)->bytes, build_id.bytes, build_id.size);
    assert_non_null(
        rts_mapping_set_find(&own.question.process->mappings, 0x10000, 100)->file->object);
    own_code_finish(&own);
}

/* No descriptor is left: the file is not to blame, and is found when there are some again. */
static void test_no_descriptor_is_left(void **state)
{
    (void)state;
    struct own_code own;
    own_code_init(&own);
    uint64_t pc = (uint64_t)(uintptr_t)test_no_descriptor_is_left;
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (unsigned i = 0; i < 20; i++) { /* more often than a file is tried */
        struct rts_code code = rts_code_map_find(&own.question, pc);
        if (code.kind != RTS_CODE_NO_FILE || code.object)
            break;
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(own.map.files_refused >= 20);
    assert_int_equal(rts_code_map_find(&own.question, pc).kind, RTS_CODE_OBJECT);
    own_code_finish(&own);
}

/* A file that one process cannot show may be there in another one's view, but not for ever. */
static void test_attempts_are_bounded(void **state)
{
    (void)state;
    struct own_code own;
    own_code_init(&own);
    static char path[] = "/nonexistent/library.so";
    struct rts_mapped_file file = {
        .path = path, .has_identity = true, .major = 8, .minor = 1, .inode = 5};
    for (int32_t pid = 900000; pid < 900030; pid++) {
        map_self(&own, pid, &file);
        for (int round = 0; round < 3; round++)
            assert_int_equal(rts_code_map_find(&own.question, 0x10000).kind, RTS_CODE_NO_FILE);
    }
    const struct rts_mapped_file *tried =
        rts_mapping_set_find(&own.question.process->mappings, 0x10000, 100)->file;
    assert_in_range(rts_mapped_file_attempts(tried, RTS_OWNER_OTHER), 2, 20);
    own_code_finish(&own);
}

/* Processes of one owner that hide a file, and be it by letting nobody look, use up attempts of
 * their own: it is found by the first process of another one that shows it. */
static void test_hidden_from_others(void **state)
{
    (void)state;
    struct own_code own;
    char *path = oracle_ask("f=$(mktemp) && cp /proc/%d/exe $f && echo $f", (int)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *text = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    close(fd);
    unlink(path); /* only who has it mapped has it */
    free(path);
    if (text == MAP_FAILED || geteuid() != 0) /* map_files takes root */
        skip();
    own_code_init(&own);
    const struct rts_process *self = own.question.process;
    const struct rts_mapping *mapping =
        rts_mapping_set_find(&self->mappings, (uintptr_t)text, own.question.time);
    assert_non_null(mapping);
    for (int32_t pid = 900000; pid < 900020; pid++) {
        map_self(&own, pid, mapping->file);
        assert_ptr_equal(rts_mapping_set_find(&own.question.process->mappings, 0x10000, 100)->file,
                         mapping->file);
        rts_code_map_find(&own.question, 0x10000);
        assert_null(mapping->file->object);
    }
    own.question.process = (struct rts_process *)self;
    rts_code_map_find(&own.question, (uintptr_t)text);
    assert_non_null(mapping->file->object);
    own_code_finish(&own);
    munmap(text, 4096);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_is_loaded),    cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_build_id_decides),      cmocka_unit_test(test_attempts_are_bounded),
        cmocka_unit_test(test_no_descriptor_is_left), cmocka_unit_test(test_hidden_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
