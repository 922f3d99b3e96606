/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles are what tar, zstd and sha256sum take them for, and are refused when they are not. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../suite.h"
#include "bundle/bundle.h"
#include "bundle/packer.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

static const struct rts_bundle_facts facts = {
    .analysis_id = "an \"analysis\"",
    .config_sha256 = "00ff",
    .node_count = 12,
    .edge_count = 34,
};

static char folder[] = "/tmp/rtsample-bundle-XXXXXX";
static char trace[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(trace, sizeof trace, "%s/trace", folder);
    FILE *file = fopen(trace, "w");
    for (int i = 0; i < 100000; i++)
        fprintf(file, "line %d\n", i);
    return fclose(file);
}

static int shell(const char *command)
{
    char line[1152];
    snprintf(line, sizeof line, "cd %s && { %s; } >/dev/null 2>&1", folder, command);
    return system(line);
}

static int tear_down(void **state)
{
    (void)state;
    return shell("rm -rf -- \"$PWD\"");
}

static void pack(const char *directory, char path[256], char sha256[RTS_SHA256_HEX_SIZE])
{
#if !defined(HAVE_LIBARCHIVE) || !defined(HAVE_LIBZSTD)
    skip();
#endif
    struct rts_error error = {0};
    char below[128], uri[RTS_BUNDLE_URI_SIZE];
    snprintf(below, sizeof below, "%s/%s", folder, directory);
    int fd = open(trace, O_RDONLY);
    assert_true(fd >= 0);
    if (rts_bundle_pack(below, fd, &facts, NULL, sha256, &error) < 0)
        fail_msg("%s", error.text);
    close(fd);
    rts_bundle_uri(sha256, uri);
    snprintf(path, 256, "%s/%s", below, uri + strlen("cas://"));
}

static void test_packed_twice_it_is_one_file(void **state)
{
    (void)state;
    char path[256], again[256], sha256[RTS_SHA256_HEX_SIZE], sha256_again[RTS_SHA256_HEX_SIZE];
    pack("one", path, sha256);
    shell("touch -d 2001-02-03 trace; chmod 600 trace");
    pack("two", again, sha256_again);
    assert_string_equal(sha256, sha256_again);
    char command[1024];
    snprintf(command, sizeof command, "cmp %s %s", path, again);
    assert_int_equal(shell(command), 0);
    snprintf(command, sizeof command, "echo '%s  %s' | sha256sum -c", sha256, path);
    assert_int_equal(shell(command), 0);
    snprintf(command, sizeof command, "test -z \"$(find one -name '.*')\"");
    assert_int_equal(shell(command), 0);
}

static void test_tar_and_zstd_take_it(void **state)
{
    (void)state;
    char path[256], sha256[RTS_SHA256_HEX_SIZE], command[1024];
    pack("three", path, sha256);
    if (shell("zstd --version && jq --version && tar --version") != 0)
        skip();
    snprintf(command, sizeof command, "zstd -t %s", path);
    assert_int_equal(shell(command), 0);
    snprintf(command, sizeof command,
             "mkdir out && tar --zstd -xf %s -C out && cmp out/trace.data trace", path);
    assert_int_equal(shell(command), 0);
    snprintf(command, sizeof command,
             "TZ=UTC tar --zstd --numeric-owner -tvf %s >list; "
             "test \"$(grep -c -- '^-rw-r--r-- 0/0 .* 1970-01-01 00:00 ' list)\" = 2 && "
             "test \"$(sed 's/.* //' list | tr '\\n' ' ')\" = 'meta.json trace.data '",
             path);
    assert_int_equal(shell(command), 0);
    assert_int_equal(
        shell("test \"$(jq -r '.entries[0].sha256' out/meta.json)\" = "
              "\"$(sha256sum trace | cut -d' ' -f1)\" && "
              "test \"$(jq -r '.analysisId' out/meta.json)\" = 'an \"analysis\"' && "
              "test \"$(jq -c '[.nodeCount,.edgeCount,.traceVersion]' out/meta.json)\" = "
              "'[12,34,\"1\"]'"),
        0);
}

static void test_it_opens_by_path_and_by_uri(void **state)
{
    (void)state;
    char path[256], below[128], uri[RTS_BUNDLE_URI_SIZE];
    char sha256[RTS_SHA256_HEX_SIZE], opened[RTS_SHA256_HEX_SIZE];
    pack("four", path, sha256);
    rts_bundle_uri(sha256, uri);
    snprintf(below, sizeof below, "%s/four", folder);
    for (int by_uri = 0; by_uri < 2; by_uri++) {
        int fd = rts_bundle_open(by_uri ? uri : path, by_uri ? below : NULL, opened, NULL);
        assert_true(fd >= 0);
        assert_string_equal(opened, sha256);
        char beginning[8] = "";
        assert_int_equal(read(fd, beginning, 7), 7);
        assert_string_equal(beginning, "line 0\n");
        close(fd);
    }
    struct rts_error error;
    assert_int_equal(rts_bundle_open(uri, NULL, opened, &error), -1);
    assert_int_equal(error.failure, RTS_USAGE);
    assert_int_equal(rts_bundle_open(uri, folder, opened, &error), -1);
    assert_int_equal(error.failure, RTS_NOT_FOUND);
}

static void test_what_was_changed_is_refused(void **state)
{
    (void)state;
    char path[256], sha256[RTS_SHA256_HEX_SIZE], opened[RTS_SHA256_HEX_SIZE];
    pack("five", path, sha256);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    for (long at = 0; at < size; at += size / 37) {
        fseek(file, at, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(byte ^ 0x10, file);
        fflush(file);
        struct rts_error error;
        assert_int_equal(rts_bundle_open(path, NULL, opened, &error), -1);
        assert_non_null(strstr(error.text, "damaged"));
        fseek(file, at, SEEK_SET);
        fputc(byte, file);
        fflush(file);
    }
    fclose(file);
    int fd = rts_bundle_open(path, NULL, opened, NULL);
    assert_true(fd >= 0);
    close(fd);
}

/* What has the right name of its own and is no bundle inside. */
static void test_what_is_no_bundle_is_refused(void **state)
{
    (void)state;
    static const char *const makers[] = {
        "printf nothing >x",
        "echo '{}' >meta.json; tar --zstd -cf x meta.json",
        "echo '{\"entries\":[{\"path\":\"trace.data\",\"sha256\":\"'$(printf x | sha256sum | "
        "cut -d' ' -f1)'\"}]}' >meta.json; cp trace trace.data; tar --zstd -cf x meta.json "
        "trace.data",
        "tar --zstd -cf x trace",
    };
#if !defined(HAVE_LIBARCHIVE) || !defined(HAVE_LIBZSTD)
    skip();
#endif
    if (shell("zstd --version && tar --version") != 0)
        skip();
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        char path[256], opened[RTS_SHA256_HEX_SIZE];
        assert_int_equal(shell(makers[i]), 0);
        assert_int_equal(
            shell("name=$(sha256sum x | cut -d' ' -f1).tar.zst; mv x $name; echo $name >name"), 0);
        snprintf(path, sizeof path, "%s/name", folder);
        FILE *file = fopen(path, "r");
        char name[128] = "";
        assert_non_null(fgets(name, sizeof name, file));
        fclose(file);
        name[strcspn(name, "\n")] = '\0';
        snprintf(path, sizeof path, "%s/%s", folder, name);
        struct rts_error error = {0};
        assert_int_equal(rts_bundle_open(path, NULL, opened, &error), -1);
        assert_int_equal(error.failure, RTS_FAILED);
    }
}

static bool give_up(void *context)
{
    ++*(int *)context;
    return false;
}

static void test_what_is_given_up_leaves_nothing(void **state)
{
    (void)state;
#if !defined(HAVE_LIBARCHIVE) || !defined(HAVE_LIBZSTD)
    skip();
#endif
    char below[128], sha256[RTS_SHA256_HEX_SIZE];
    struct rts_error error = {0};
    int calls = 0, fd = open(trace, O_RDONLY);
    snprintf(below, sizeof below, "%s/six", folder);
    const struct rts_bundle_pace pace = {&calls, give_up};
    assert_int_equal(rts_bundle_pack(below, fd, &facts, &pace, sha256, &error), -1);
    assert_int_equal(calls, 1);
    assert_non_null(strstr(error.text, "given up"));
    assert_int_equal(shell("test -d six/runtime_traces && test -z \"$(find six -type f)\""), 0);
    close(fd);
}

/* One after the other, in their order, and the folder is made for each. */
static void test_a_packer_packs_in_order(void **state)
{
    (void)state;
#if !defined(HAVE_LIBARCHIVE) || !defined(HAVE_LIBZSTD)
    skip();
#endif
    char below[128];
    struct rts_error error;
    struct rts_packed packed = {0};
    snprintf(below, sizeof below, "%s/seven", folder);
    struct rts_packer *packer = rts_packer_create(below, 1, &error);
    assert_non_null(packer);
    assert_false(rts_packer_take(packer, 0, &packed));
    for (int i = 0; i < 3; i++) {
        int fd = rts_bundle_begin(below, &error);
        assert_true(fd >= 0);
        dprintf(fd, "trace %d\n", i);
        lseek(fd, 0, SEEK_SET);
        rts_packer_submit(packer, i == 1 ? open(folder, O_RDONLY) : fd, &facts);
        if (i == 1)
            close(fd);
    }
    assert_int_equal(rts_packer_waiting(packer), 3);
    rts_packer_hurry(packer);
    for (int i = 0; i < 3; i++) {
        while (!rts_packer_take(packer, 100, &packed))
            ;
        assert_int_equal(packed.packed, i != 1); /* a folder is no trace */
        if (i == 1)
            assert_true(packed.error.text[0] != '\0');
        char command[1024];
        if (shell("zstd --version && tar --version") != 0)
            continue;
        snprintf(command, sizeof command,
                 "test \"$(tar --zstd -xOf seven/%s trace.data)\" = 'trace %d'",
                 packed.uri + strlen("cas://"), i);
        assert_int_equal(i == 1 ? 0 : shell(command), 0);
    }
    assert_int_equal(rts_packer_waiting(packer), 0);
    rts_packer_finish(packer);
}

/* Told to end while it pauses, which it would for minutes. */
static void test_a_packer_ends_at_once(void **state)
{
    (void)state;
#if !defined(HAVE_LIBARCHIVE) || !defined(HAVE_LIBZSTD)
    skip();
#endif
    char below[128];
    struct rts_error error;
    snprintf(below, sizeof below, "%s/eight", folder);
    struct rts_packer *packer = rts_packer_create(below, 1, &error);
    assert_non_null(packer);
    for (int i = 0; i < 3; i++)
        rts_packer_submit(packer, open(trace, O_RDONLY), &facts);
    rts_packer_finish(packer);
    assert_int_equal(shell("test -z \"$(find eight -name '*.zst')\""), 0);
    rts_packer_finish(NULL);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(rts_bundle_is_name("cas://anything"));
    assert_true(rts_bundle_is_name("x.tar.zst"));
    assert_false(rts_bundle_is_name(".tar.zst"));
    assert_false(rts_bundle_is_name("perf.data"));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed_twice_it_is_one_file),
        cmocka_unit_test(test_tar_and_zstd_take_it),
        cmocka_unit_test(test_it_opens_by_path_and_by_uri),
        cmocka_unit_test(test_what_was_changed_is_refused),
        cmocka_unit_test(test_what_is_no_bundle_is_refused),
        cmocka_unit_test(test_what_is_given_up_leaves_nothing),
        cmocka_unit_test(test_a_packer_packs_in_order),
        cmocka_unit_test(test_a_packer_ends_at_once),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
