/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "binary/hash_cache.h"

#include "../oracle.h"
#include "../suite.h"

#define HASH  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OTHER "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ae"

/* A cache directory, and files beside it. */
struct world {
    char root[64], directory[80], store[96];
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->root, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(world->root));
    snprintf(world->directory, sizeof world->directory, "%s/cache", world->root);
    snprintf(world->store, sizeof world->store, "%s/file-hashes", world->directory);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    free(oracle_ask("rm -r %s && echo", world->root));
    free(world);
    return 0;
}

/* A file with `text` that was modified at `time`; its inode changes now, which cannot be set. */
static int make_file(const struct world *world, const char *text, time_t time)
{
    char path[96];
    snprintf(path, sizeof path, "%s/file", world->root);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    struct timespec times[2] = {{.tv_sec = time, .tv_nsec = 5}, {.tv_sec = time, .tv_nsec = 5}};
    assert_int_equal(futimens(fd, times), 0);
    return fd;
}

/* A file that has not been changed lately: our own program. */
static int settled_file(void)
{
    struct stat status;
    int fd = open("/bin/sh", O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &status) == 0);
    if (status.st_ctim.tv_sec + 10 > time(NULL))
        skip();
    return fd;
}

static void add(struct rts_hash_cache *cache, int fd, const char *hex)
{
    struct stat before;
    assert_int_equal(fstat(fd, &before), 0);
    rts_hash_cache_add(cache, fd, &before, hex);
}

static struct rts_hash_cache *reopen(const struct world *world, struct rts_hash_cache *cache)
{
    struct rts_error error;
    assert_int_equal(rts_hash_cache_close(cache, &error), 0);
    cache = rts_hash_cache_open(world->directory, &error);
    assert_non_null(cache);
    return cache;
}

static void test_kept(void **state)
{
    const struct world *world = *state;
    char hex[RTS_SHA256_HEX_SIZE];
    int fd = settled_file();
    struct rts_hash_cache *cache = reopen(world, NULL);
    assert_false(rts_hash_cache_find(cache, fd, hex));
    add(cache, fd, HASH);
    assert_true(rts_hash_cache_find(cache, fd, hex));
    cache = reopen(world, cache);
    memset(hex, 0, sizeof hex);
    assert_true(rts_hash_cache_find(cache, fd, hex));
    assert_string_equal(hex, HASH);
    struct stat status;
    assert_int_equal(stat(world->store, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(world->directory, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    rts_hash_cache_close(cache, NULL);
    close(fd);
}

/* What was changed just now may change again within the same tick of the clock. */
static void test_fresh(void **state)
{
    const struct world *world = *state;
    char hex[RTS_SHA256_HEX_SIZE];
    int fd = make_file(world, "abc", 1000000000);
    struct rts_hash_cache *cache = reopen(world, NULL);
    add(cache, fd, HASH);
    assert_false(rts_hash_cache_find(cache, fd, hex));
    rts_hash_cache_close(cache, NULL);
    close(fd);
}

/* Every single byte of the store, changed or missing: the right hash or none. */
static void test_damaged(void **state)
{
    const struct world *world = *state;
    char hex[RTS_SHA256_HEX_SIZE], text[1024];
    int file = settled_file();
    struct rts_hash_cache *cache = reopen(world, NULL);
    add(cache, file, HASH);
    assert_int_equal(rts_hash_cache_close(cache, NULL), 0);
    int fd = open(world->store, O_RDWR);
    ssize_t size = pread(fd, text, sizeof text, 0);
    assert_in_range(size, 100, sizeof text - 1);
    for (ssize_t i = 0; i < size; i++) {
        char wrong = (char)(text[i] ^ (1 << i % 7));
        assert_int_equal(pwrite(fd, &wrong, 1, i), 1);
        cache = reopen(world, NULL);
        if (rts_hash_cache_find(cache, file, hex))
            assert_string_equal(hex, HASH);
        rts_hash_cache_close(cache, NULL);
        assert_int_equal(pwrite(fd, text + i, 1, i), 1);
    }
    for (ssize_t i = size; i-- > 0;) {
        assert_int_equal(ftruncate(fd, i), 0);
        cache = reopen(world, NULL);
        if (rts_hash_cache_find(cache, file, hex))
            assert_string_equal(hex, HASH);
        rts_hash_cache_close(cache, NULL);
    }
    close(fd);
    close(file);
}

/* The entry of one file is never that of another, whatever in them differs. */
static void test_others(void **state)
{
    const struct world *world = *state;
    char hex[RTS_SHA256_HEX_SIZE];
    int file = settled_file();
    struct rts_hash_cache *cache = reopen(world, NULL);
    struct stat before;
    assert_int_equal(fstat(file, &before), 0);
    add(cache, file, HASH);
    int fd = make_file(world, "abc", before.st_mtim.tv_sec);
    assert_false(rts_hash_cache_find(cache, fd, hex));
    rts_hash_cache_add(cache, fd, &before, OTHER);
    assert_false(rts_hash_cache_find(cache, fd, hex));
    assert_false(rts_hash_cache_find(cache, -1, hex));
    add(cache, file, "no hash");
    assert_true(rts_hash_cache_find(cache, file, hex));
    assert_string_equal(hex, HASH);
    rts_hash_cache_close(cache, NULL);
    close(fd);
    close(file);
}

static void test_refused(void **state)
{
    const struct world *world = *state;
    struct rts_error error;
    char path[128];
    assert_int_equal(mkdir(world->directory, 0700), 0);
    assert_int_equal(chmod(world->directory, 0777), 0);
    snprintf(path, sizeof path, "%s/planted", world->directory);
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_null(rts_hash_cache_open(world->directory, &error));
    assert_non_null(strstr(error.text, "others can write"));
    unlink(path);
    snprintf(path, sizeof path, "%s/no/such", world->directory);
    assert_null(rts_hash_cache_open(path, &error));
    assert_null(rts_hash_cache_open("/dev/null", &error));
    assert_int_equal(chmod(world->directory, 0700), 0);
    assert_int_equal(symlink("/dev/zero", world->store), 0);
    struct rts_hash_cache *cache = rts_hash_cache_open(world->directory, &error);
    assert_non_null(cache);
    rts_hash_cache_close(cache, NULL);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fresh, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
