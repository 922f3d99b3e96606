/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "binary/object_cache.h"

#include "../oracle.h"
#include "../suite.h"
#include "elf_maker.h"

/* A file with this build-id, and `variant` somewhere in its code. */
static char *make_file(const char *build_id, uint8_t variant)
{
    struct maker maker;
    maker_init(&maker);
    size_t end = maker_note(&maker, MAKER_NOTE, 4, NT_GNU_BUILD_ID, "GNU", build_id,
                            (uint32_t)strlen(build_id));
    maker.segments[1].p_filesz = end - MAKER_NOTE;
    maker.bytes[MAKER_TEXT] = variant;
    return oracle_file(maker.bytes, MAKER_SIZE);
}

/* The file `path` as it is when it is mapped as `called`. */
static struct rts_object *get_as(struct rts_object_cache *cache, const char *path,
                                 const char *called)
{
    return rts_object_cache_get(cache, open(path, O_RDONLY | O_CLOEXEC), called, NULL, NULL);
}

static struct rts_object *get(struct rts_object_cache *cache, const char *path)
{
    return get_as(cache, path, path);
}

static size_t count_open_files(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void test_same_file(void **state)
{
    (void)state;
    size_t before = count_open_files();
    struct rts_object_cache *cache = rts_object_cache_create(8);
    char *path = make_file("first", 0), *other = make_file("second", 0);
    struct rts_object *object = get(cache, path);
    assert_non_null(object);
    assert_ptr_equal(get(cache, path), object);
    assert_ptr_not_equal(get(cache, other), object);
    assert_string_equal(rts_object_path(object), path);
    assert_int_not_equal(rts_object_serial(object), 0);
    assert_int_not_equal(rts_object_serial(object), rts_object_serial(get(cache, other)));
    rts_object_cache_destroy(cache);
    assert_int_equal(count_open_files(), before);
    oracle_file_done(path);
    oracle_file_done(other);
}

/* Copies that replace each other are one object; a forged build-id does not make a file a copy, nor
 * does a missing one. */
static void test_copies(void **state)
{
    (void)state;
    struct rts_object_cache *cache = rts_object_cache_create(8);
    char *path = make_file("same", 0), *copy = make_file("same", 0), *forged = make_file("same", 1);
    char *bare = make_file("", 0), *bare_copy = make_file("", 0);
    struct rts_object *object = get(cache, path);
    size_t open_files = count_open_files();
    assert_ptr_equal(get_as(cache, copy, path), object);
    assert_int_equal(count_open_files(), open_files);
    assert_ptr_equal(get_as(cache, copy, path), object);
    assert_ptr_not_equal(get_as(cache, forged, path), object);
    assert_ptr_not_equal(get(cache, bare), get_as(cache, bare_copy, bare));
    rts_object_cache_destroy(cache);
    oracle_file_done(path);
    oracle_file_done(copy);
    oracle_file_done(forged);
    oracle_file_done(bare);
    oracle_file_done(bare_copy);
}

/* Names and packages are found by the path in a root: whoever shows a file or its bytes at another
 * one, or in a root of his own, has an object of his own, be he the first or not. */
static void test_seen_elsewhere(void **state)
{
    (void)state;
    char *path = make_file("seen", 0), *copy = make_file("seen", 0);
    const int roots[] = {-1, -1, open("/usr", O_PATH | O_DIRECTORY)};
    const uint64_t namespaces[] = {0, 4026531841, 4026531841};
    struct rts_object_cache *cache = rts_object_cache_create(8);
    struct rts_object *stranger = get_as(cache, copy, "/tmp/stranger");
    struct rts_object *object = get(cache, path), *seen[3];
    assert_ptr_not_equal(object, stranger);
    assert_ptr_not_equal(get_as(cache, path, "/tmp/stranger"), object);
    assert_string_equal(rts_object_path(object), path);
    for (size_t i = 0; i < 3; i++) {
        const struct rts_debug_search search = {.tree = {.root_fd = roots[i]},
                                                .namespace = namespaces[i]};
        for (int round = 0; round < 2; round++) {
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            seen[i] = rts_object_cache_get(cache, fd, path, &search, NULL);
        }
    }
    assert_ptr_equal(seen[0], object);
    assert_ptr_not_equal(seen[1], object);
    assert_ptr_not_equal(seen[2], object);
    assert_ptr_not_equal(seen[2], seen[1]);
    rts_object_cache_destroy(cache);
    close(roots[2]);
    oracle_file_done(path);
    oracle_file_done(copy);
}

static void test_changed_file(void **state)
{
    (void)state;
    struct rts_object_cache *cache = rts_object_cache_create(8);
    char *path = make_file("one", 0);
    struct rts_object *object = get(cache, path);
    const struct timespec times[2] = {{1000, 0}, {1000, 1}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, MAKER_TEXT), 1);
    close(fd);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    struct rts_object *anew = get(cache, path);
    assert_ptr_not_equal(anew, object);
    rts_object_cache_destroy(cache);
    oracle_file_done(path);
}

/* Written over with as many bytes, and given the time that it had. */
static void test_changed_behind_its_time(void **state)
{
    (void)state;
    struct rts_object_cache *cache = rts_object_cache_create(8);
    char *path = make_file("one", 0);
    const struct timespec times[2] = {{1000, 0}, {1000, 1}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    struct rts_object *object = get(cache, path);
    assert_ptr_equal(get(cache, path), object);
    assert_int_equal(chmod(path, 0700), 0); /* which is no change of the content */
    assert_ptr_equal(get(cache, path), object);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "two", 3, MAKER_NOTE + sizeof(Elf64_Nhdr) + 4), 3);
    close(fd);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    struct rts_object *anew = get(cache, path);
    assert_ptr_not_equal(anew, object);
    assert_memory_equal(rts_object_build_id(anew)->bytes, "two", 3);
    assert_memory_equal(rts_object_build_id(object)->bytes, "one", 3);
    assert_true(rts_object_has_changed(object));
    assert_false(rts_object_has_changed(anew));
    rts_object_cache_destroy(cache);
    oracle_file_done(path);
}

/* A file that is opened again has the key that it had; one with its build-id and size has another,
 * though the two are alike in all that is compared of them in short. */
static void test_key_is_of_the_file(void **state)
{
    (void)state;
    struct rts_object_cache *cache = rts_object_cache_create(0);
    char *path = make_file("known", 0), *forged = make_file("known", 1);
    uint8_t key[RTS_OBJECT_KEY_SIZE];
    struct rts_object *object = get(cache, path);
    uint32_t serial = rts_object_serial(object);
    uint64_t likeness = rts_object_likeness(object);
    memcpy(key, rts_object_key(object), sizeof key);
    rts_object_cache_unref(cache, object);
    rts_object_cache_trim(cache);
    struct rts_object *other = get(cache, forged);
    assert_memory_not_equal(rts_object_key(other), key, sizeof key);
    assert_int_equal(rts_object_likeness(other), likeness);
    struct rts_object *again = get(cache, path);
    assert_int_not_equal(rts_object_serial(again), serial);
    assert_memory_equal(rts_object_key(again), key, sizeof key);
    rts_object_cache_destroy(cache);
    oracle_file_done(path);
    oracle_file_done(forged);
}

/* The forger was first, and the copies of the real file are one object all the same: not of his
 * size, or found when he is gone. */
static void test_forger_comes_first(void **state)
{
    (void)state;
    struct rts_object_cache *cache = rts_object_cache_create(0);
    char *larger = make_file("known", 0), *forged = make_file("known", 1);
    char *path = make_file("known", 0), *copy = make_file("known", 0);
    int fd = open(larger, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    struct rts_object *forger = get(cache, larger);
    struct rts_object *object = get(cache, path);
    assert_ptr_not_equal(object, forger);
    assert_ptr_equal(get_as(cache, copy, path), object);
    for (int i = 0; i < 2; i++)
        rts_object_cache_unref(cache, object);
    rts_object_cache_trim(cache);
    forger = get(cache, forged);
    object = get(cache, path);
    rts_object_cache_unref(cache, forger);
    rts_object_cache_trim(cache);
    assert_ptr_equal(get_as(cache, copy, path), object);
    rts_object_cache_destroy(cache);
    oracle_file_done(larger);
    oracle_file_done(forged);
    oracle_file_done(path);
    oracle_file_done(copy);
}

static void test_trim(void **state)
{
    (void)state;
    enum {
        FILES = 6
    };
    struct rts_object_cache *cache = rts_object_cache_create(2);
    struct rts_object *objects[FILES];
    uint32_t serials[FILES];
    char *paths[FILES];
    for (uint8_t i = 0; i < FILES; i++) {
        char build_id[] = {'i', 'd', (char)('0' + i), 0};
        paths[i] = make_file(build_id, i);
        objects[i] = get(cache, paths[i]);
        serials[i] = rts_object_serial(objects[i]);
    }
    rts_object_cache_ref(cache, objects[1]);
    for (int i = 0; i < FILES - 1; i++)
        rts_object_cache_unref(cache, objects[i]);
    /* Used last, though got first. */
    rts_object_cache_ref(cache, objects[0]);
    rts_object_cache_unref(cache, objects[0]);
    rts_object_cache_trim(cache);
    /* 1 and 5 have users; of 0, 2, 3, 4 the two used last stay. */
    static const bool stays[FILES] = {true, true, false, false, true, true};
    for (int i = 0; i < FILES; i++)
        assert_int_equal(rts_object_serial(get(cache, paths[i])) == serials[i], stays[i]);
    rts_object_cache_destroy(cache);
    for (int i = 0; i < FILES; i++)
        oracle_file_done(paths[i]);
}

static void test_failure_is_remembered(void **state)
{
    (void)state;
    size_t before = count_open_files();
    struct rts_object_cache *cache = rts_object_cache_create(2);
    char *path = oracle_file("no ELF", 6);
    struct rts_error errors[2] = {0};
    for (int i = 0; i < 2; i++)
        assert_null(
            rts_object_cache_get(cache, open(path, O_RDONLY | O_CLOEXEC), path, NULL, &errors[i]));
    assert_non_null(strstr(errors[0].text, "not an ELF file"));
    assert_non_null(strstr(errors[0].text, path));
    assert_string_equal(errors[0].text, errors[1].text);
    assert_null(get(cache, "/nowhere"));
    assert_int_equal(count_open_files(), before);

    /* Written anew it is another file. */
    struct maker maker;
    maker_init(&maker);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, maker.bytes, MAKER_SIZE), MAKER_SIZE);
    close(fd);
    assert_non_null(get(cache, path));
    rts_object_cache_destroy(cache);
    oracle_file_done(path);
}

static void test_many_failures(void **state)
{
    (void)state;
    struct rts_object_cache *cache = rts_object_cache_create(2);
    for (int i = 0; i < 3000; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        char *path = oracle_file(text, strlen(text));
        assert_null(get(cache, path));
        oracle_file_done(path);
    }
    rts_object_cache_destroy(cache);
}

static void test_vdso(void **state)
{
    (void)state;
    struct rts_object_cache *cache = rts_object_cache_create(0);
    struct rts_object *vdso = rts_object_cache_vdso(cache);
    if (!vdso) {
        rts_object_cache_destroy(cache);
        skip();
    }
    assert_ptr_equal(rts_object_cache_vdso(cache), vdso);
    for (int i = 0; i < 2; i++)
        rts_object_cache_unref(cache, vdso);
    rts_object_cache_trim(cache);
    assert_ptr_equal(rts_object_cache_vdso(cache), vdso);
    assert_string_equal(rts_object_path(vdso), "[vdso]");
    assert_true(rts_object_build_id(vdso)->size > 0);
    assert_int_equal(rts_object_first_vaddr(vdso), 0);
    assert_non_null(rts_object_eh_cfi(vdso));

    /* The C library calls the clock through it. */
    struct rts_function function = {.name = ""};
    bool found = false;
    for (uint64_t vaddr = 0; vaddr < 0x4000 && !found; vaddr++)
        found = rts_object_functions(vdso, vaddr, &function, 1) == 1 &&
                strstr(function.name, "clock_gettime") != NULL;
    assert_true(found);
    assert_int_equal(function.source, RTS_SYMBOL_DYNSYM);
    rts_object_cache_destroy(cache);
}

static struct rts_object *get_of(struct rts_object_cache *cache, const char *path, unsigned owner)
{
    struct rts_object *object = get(cache, path);
    assert_non_null(object);
    rts_object_see(object, owner);
    return object;
}

/* A user opens many files, and root few before: when there are too many descriptors, those of the
 * user go, the oldest first. What root has in use as well is root's. */
static void test_open_files_of_owners(void **state)
{
    (void)state;
    enum {
        FILES = 40
    };
    struct rts_object_cache *cache = rts_object_cache_create(8);
    struct rts_object *objects[FILES];
    uint32_t serials[FILES];
    char *paths[FILES];
    unsigned gone = 0;
    rts_object_cache_limit_open(cache, FILES - 5);
    for (unsigned i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "file%u", i);
        paths[i] = make_file(name, 0);
        objects[i] = get_of(cache, paths[i], i < 10 ? RTS_OWNER_ROOT : 3);
        serials[i] = rts_object_serial(objects[i]);
    }
    rts_object_see(objects[15], RTS_OWNER_ROOT);
    assert_int_equal(rts_object_owner(objects[15]), RTS_OWNER_ROOT);
    rts_object_see(objects[15], 3);
    assert_int_equal(rts_object_owner(objects[15]), RTS_OWNER_ROOT);
    assert_true(rts_object_cache_is_crowded(cache));
    assert_true(rts_object_cache_choose(cache));
    for (unsigned i = 0; i < FILES; i++) {
        gone += rts_object_is_unwanted(objects[i]);
        assert_false(rts_object_is_unwanted(objects[i]) && (i < 10 || i == 15));
    }
    assert_in_range(gone, 5, 12);
    assert_true(rts_object_is_unwanted(objects[10]) && !rts_object_is_unwanted(objects[39]));
    assert_true(rts_object_cache_files(cache)->pressed[3]);
    for (unsigned i = 0; i < FILES; i++)
        rts_object_cache_unref(cache, objects[i]);
    rts_object_cache_trim(cache);
    assert_false(rts_object_cache_is_crowded(cache));
    /* Of those that nobody uses half are root's. */
    unsigned kept = 0;
    for (unsigned i = 0; i < 10; i++)
        kept += rts_object_serial(get(cache, paths[i])) == serials[i];
    kept += rts_object_serial(get(cache, paths[15])) == serials[15];
    assert_int_equal(kept, 4);
    rts_object_cache_destroy(cache);
    for (unsigned i = 0; i < FILES; i++)
        oracle_file_done(paths[i]);
}

/* The memory of one who fills it goes, and not that of the others, though it is older. */
static void test_memory_of_owners(void **state)
{
    (void)state;
    enum {
        FILES = 30
    };
    struct rts_ledger ledger = {0};
    struct rts_share share = {.limit = 1 << 20, .ledger = &ledger};
    struct rts_object_cache *cache = rts_object_cache_create(8);
    struct rts_object *objects[FILES];
    char *paths[FILES];
    rts_object_cache_use_share(cache, &share);
    for (unsigned i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "file%u", i);
        paths[i] = make_file(name, 0);
        objects[i] = get_of(cache, paths[i], i < 5 ? 1 : 2);
        rts_object_charge(objects[i], 40 << 10);
    }
    assert_int_equal(ledger.used[RTS_OWNER_ROOT], 0);
    assert_int_equal(ledger.used[1] + ledger.used[2], share.bytes);
    rts_object_see(objects[4], RTS_OWNER_ROOT);
    assert_int_equal(ledger.used[RTS_OWNER_ROOT] + ledger.used[1] + ledger.used[2], share.bytes);
    assert_true(rts_object_cache_choose(cache));
    for (unsigned i = 0; i < FILES; i++)
        assert_false(rts_object_is_unwanted(objects[i]) && i < 5);
    assert_true(rts_object_is_unwanted(objects[5]));
    for (unsigned i = 0; i < FILES; i++)
        rts_object_cache_unref(cache, objects[i]);
    rts_object_cache_trim(cache);
    assert_false(rts_share_is_over(&share));
    assert_true(ledger.evictions[2] > 0);
    assert_int_equal(ledger.evictions[1] + ledger.evictions[RTS_OWNER_ROOT], 0);
    rts_object_cache_destroy(cache);
    assert_int_equal(share.bytes + ledger.used[0] + ledger.used[1] + ledger.used[2], 0);
    for (unsigned i = 0; i < FILES; i++)
        oracle_file_done(paths[i]);
}

/* What could not be read is remembered for each owner: one with thousands of such files makes his
 * own be tried again, and those of nobody else. */
static void test_failures_of_owners(void **state)
{
    (void)state;
    enum {
        FILES = 30,
        MANY = 3000
    };
    struct rts_ledger ledger = {0};
    struct rts_share share = {.ledger = &ledger};
    struct rts_object_cache *cache = rts_object_cache_create(8);
    rts_object_cache_use_share(cache, &share);
    char *paths[FILES];
    struct rts_error error;
    for (unsigned i = 0; i < FILES; i++) {
        const struct rts_debug_search search = {.tree = {.root_fd = -1}, .owner = 2};
        paths[i] = oracle_file("no ELF", 6);
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        assert_null(rts_object_cache_get(cache, fd, paths[i], &search, &error));
    }
    char *bad = oracle_file("bad", 3), name[32];
    for (unsigned i = 0; i < MANY; i++) { /* as many names of it as files */
        const struct rts_debug_search search = {.tree = {.root_fd = -1}, .owner = 3};
        snprintf(name, sizeof name, "/bad/%u", i);
        int fd = open(bad, O_RDONLY | O_CLOEXEC);
        assert_null(rts_object_cache_get(cache, fd, name, &search, &error));
    }
    assert_true(ledger.evictions[3] > MANY / 2);
    assert_int_equal(ledger.evictions[2], 0);
    assert_true(ledger.pressed[3] && !ledger.pressed[2]);
    /* Those are known yet: the same words, of a file that is read no more. */
    for (unsigned i = 0; i < FILES; i++) {
        const struct rts_debug_search search = {.tree = {.root_fd = -1}, .owner = 2};
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        assert_null(rts_object_cache_get(cache, fd, paths[i], &search, &error));
        assert_true(strlen(error.text) > 0);
        oracle_file_done(paths[i]);
    }
    assert_int_equal(ledger.used[2] + ledger.used[3], 0); /* they take none of the bytes */
    oracle_file_done(bad);
    rts_object_cache_destroy(cache);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_file),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_seen_elsewhere),
        cmocka_unit_test(test_changed_file),
        cmocka_unit_test(test_changed_behind_its_time),
        cmocka_unit_test(test_key_is_of_the_file),
        cmocka_unit_test(test_forger_comes_first),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_failure_is_remembered),
        cmocka_unit_test(test_many_failures),
        cmocka_unit_test(test_vdso),
        cmocka_unit_test(test_open_files_of_owners),
        cmocka_unit_test(test_memory_of_owners),
        cmocka_unit_test(test_failures_of_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
