/* SPDX-License-Identifier: Apache-2.0 */
/* Where the files of a trace are found, and which ones are taken for what was recorded. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "binary/build_id.h"
#include "binary/file_search.h"
#include "binary/object_content.h"

#include "../oracle.h"
#include "../suite.h"
#include "elf_maker.h"

static char folder[] = "/tmp/rtsample-search-XXXXXX";

static const struct rts_build_id first = {.size = 4, .bytes = {0xab, 0xcd, 0xef, 0x01}};
static const struct rts_build_id second = {.size = 4, .bytes = {0xab, 0xcd, 0xef, 0x02}};

static void shell(const char *command)
{
    char line[2048];
    snprintf(line, sizeof line, "cd %s && { %s; } >/dev/null 2>&1", folder, command);
    assert_int_equal(system(line), 0);
}

/* A file below the folder, with a build-id. */
static void put_file(const char *path, const struct rts_build_id *build_id)
{
    struct maker maker;
    char full[512];
    maker_init(&maker);
    if (build_id) {
        size_t end = maker_note(&maker, MAKER_NOTE, 4, NT_GNU_BUILD_ID, "GNU", build_id->bytes,
                                build_id->size);
        maker.segments[1].p_filesz = maker.segments[1].p_memsz = end - MAKER_NOTE;
        maker.sections[MAKER_SECTION_NOTE].sh_size = end - MAKER_NOTE;
    }
    snprintf(full, sizeof full, "mkdir -p $(dirname ./%s)", path);
    shell(full);
    snprintf(full, sizeof full, "%s/%s", folder, path);
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(maker.bytes, sizeof maker.bytes, 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) && setenv("HOME", folder, 1) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    shell("rm -rf -- \"$PWD\"");
    return 0;
}

static int empty(void **state)
{
    (void)state;
    shell("rm -rf -- .debug * && mkdir root");
    return 0;
}

/* What one search gave. */
struct answer {
    bool found, no_elf;
    struct rts_file_counts counts;
};

static struct answer look(const struct rts_wanted_file *wanted, bool with_root,
                          enum rts_search_places places)
{
    struct rts_error error;
    struct answer answer = {0};
    char root[64];
    snprintf(root, sizeof root, "%s/root", folder);
    struct rts_object_cache *objects = rts_object_cache_create(10);
    struct rts_file_search *search =
        rts_file_search_create(objects, with_root ? root : NULL, places, &error);
    assert_non_null(search);
    for (int twice = 0; twice < 2; twice++) { /* it is counted once */
        struct rts_object *object = rts_file_search_find(search, wanted, NULL, &answer.no_elf);
        answer.found = object != NULL;
        if (object) {
            assert_int_equal(rts_object_is_by_path(object),
                             rts_file_search_counts(search)->by_path);
            rts_object_cache_unref(objects, object);
        }
    }
    answer.counts = *rts_file_search_counts(search);
    assert_int_equal(answer.counts.found + answer.counts.missing + answer.counts.different +
                         answer.counts.unknown + answer.counts.by_path,
                     1);
    assert_int_equal(answer.counts.found + answer.counts.by_path, answer.found || answer.no_elf);
    rts_file_search_destroy(search);
    rts_object_cache_destroy(objects);
    return answer;
}

static bool finds(const struct rts_wanted_file *wanted, enum rts_search_places places)
{
    return look(wanted, true, places).found;
}

/* Each place alone; and only those below the root count for a search there. */
static void every_place_is_looked_at(void **state)
{
    static const struct {
        const char *path;
        bool below_root;
    } places[] = {
        {".debug/.build-id/ab/cdef01/elf", false},
        {"root/usr/lib/debug/.build-id/ab/cdef01", true},
        {"root/usr/lib/.build-id/ab/cdef01", true},
        {"root/.build-id/ab/cdef01", true},
        {"root/recorded/program", true},
    };
    const struct rts_wanted_file wanted = {.path = "/recorded/program", .build_id = first};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        empty(state);
        assert_false(finds(&wanted, RTS_SEARCH_SYSTEM));
        put_file(places[i].path, &second);
        assert_false(finds(&wanted, RTS_SEARCH_SYSTEM));
        put_file(places[i].path, &first);
        assert_true(finds(&wanted, RTS_SEARCH_SYSTEM));
        assert_true(finds(&wanted, RTS_SEARCH_PATHS));
        assert_int_equal(finds(&wanted, RTS_SEARCH_SYMFS), places[i].below_root);
        assert_int_equal(look(&wanted, false, RTS_SEARCH_PATHS).found, !places[i].below_root);
    }
}

static void a_recorded_path_is_one_of_this_machine(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s/here", folder);
    const struct rts_wanted_file wanted = {.path = path, .build_id = first};
    put_file("here", &first);
    assert_true(finds(&wanted, RTS_SEARCH_SYSTEM));
    assert_true(finds(&wanted, RTS_SEARCH_PATHS));
    struct answer answer = look(&wanted, true, RTS_SEARCH_SYMFS);
    assert_int_equal(answer.counts.missing, 1);
    assert_int_equal(look(&wanted, false, RTS_SEARCH_SYMFS).counts.missing, 1);
    put_file("here", &second);
    answer = look(&wanted, true, RTS_SEARCH_PATHS);
    assert_int_equal(answer.counts.different, 1);
}

/* Where the root has another one, that of the machine is taken when it is the recorded one. */
/* What perf has copied may be another file, whose build-id is but what it says. */
static void the_path_is_better_than_the_build_id(void **state)
{
    (void)state;
    char path[512], copy[512];
    bool no_elf = false;
    struct stat here, found;
    snprintf(path, sizeof path, "%s/here", folder);
    snprintf(copy, sizeof copy, "%s/.debug/.build-id/ab/cdef01/elf", folder);
    const struct rts_wanted_file wanted = {.path = path, .build_id = first};
    put_file("here", &first);
    put_file(".debug/.build-id/ab/cdef01/elf", &first);
    assert_int_equal(truncate(copy, 8192), 0);
    struct rts_object_cache *objects = rts_object_cache_create(10);
    struct rts_file_search *search = rts_file_search_create(objects, NULL, RTS_SEARCH_SYSTEM, NULL);
    struct rts_object *object = rts_file_search_find(search, &wanted, NULL, &no_elf);
    assert_non_null(object);
    assert_int_equal(stat(path, &here), 0);
    assert_int_equal(fstat(rts_object_fd(object), &found), 0);
    assert_int_equal(here.st_ino, found.st_ino);
    rts_file_search_destroy(search);
    rts_object_cache_destroy(objects);
}

static void another_file_hides_nothing(void **state)
{
    (void)state;
    char path[512], below[600];
    snprintf(path, sizeof path, "%s/here", folder);
    snprintf(below, sizeof below, "root%s", path);
    const struct rts_wanted_file wanted = {.path = path, .build_id = first};
    put_file(below, &second);
    put_file("here", &first);
    assert_true(finds(&wanted, RTS_SEARCH_PATHS));
    assert_int_equal(look(&wanted, true, RTS_SEARCH_SYMFS).counts.different, 1);
}

static void without_a_build_id_the_digest_tells(void **state)
{
    (void)state;
    char path[512];
    put_file("here", NULL);
    snprintf(path, sizeof path, "%s/here", folder);
    char *digest = oracle_ask("sha256sum %s | cut -c1-64", path);
    struct rts_wanted_file wanted = {.path = path, .sha256 = digest};
    assert_true(finds(&wanted, RTS_SEARCH_PATHS));
    digest[0] = digest[0] == '0' ? '1' : '0';
    assert_int_equal(look(&wanted, true, RTS_SEARCH_PATHS).counts.different, 1);
    /* Nothing is known of it. */
    free(digest);
    wanted.sha256 = NULL;
    assert_int_equal(look(&wanted, true, RTS_SEARCH_PATHS).counts.unknown, 1);
}

/* The same inode is believed at the recorded path alone. */
static void without_both_the_inode_tells(void **state)
{
    (void)state;
    char path[512], below[600], command[1200];
    struct stat status;
    snprintf(path, sizeof path, "%s/here", folder);
    snprintf(below, sizeof below, "root%s", path);
    put_file("here", NULL);
    assert_int_equal(stat(path, &status), 0);
    struct rts_wanted_file wanted = {
        .path = path,
        .has_identity = true,
        .major = major(status.st_dev),
        .minor = minor(status.st_dev),
        .inode = status.st_ino,
    };
    assert_true(finds(&wanted, RTS_SEARCH_PATHS));
    wanted.inode++;
    assert_int_equal(look(&wanted, true, RTS_SEARCH_PATHS).counts.different, 1);
    wanted.inode--;
    snprintf(command, sizeof command, "mkdir -p root%s && ln here %s", folder, below);
    shell(command);
    assert_false(finds(&wanted, RTS_SEARCH_SYMFS));
    shell("echo generated >here");
    struct answer answer = look(&wanted, false, RTS_SEARCH_PATHS);
    assert_true(answer.no_elf && !answer.found);
}

/* Where nothing better was recorded, what the user points at is taken, if it is mapped alike. */
static void without_build_ids_the_path_is_enough(void **state)
{
    static const struct {
        const char *path;
        bool strict_too; /* looked at as well where there is a build-id */
    } places[] = {
        {"root/recorded/program", true},
        {"root/program", true},
        {"root/very/deep/program", false},
    };
    struct rts_wanted_file wanted = {.path = "/recorded/program", .by_path = true};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        empty(state);
        put_file(places[i].path, &first);
        wanted.size = 4096; /* one page is what the maker makes */
        for (enum rts_search_places where = RTS_SEARCH_SYSTEM; where <= RTS_SEARCH_SYMFS; where++)
            assert_int_equal(look(&wanted, true, where).counts.by_path, 1);
        wanted.size = 8192;
        assert_int_equal(look(&wanted, true, RTS_SEARCH_SYMFS).counts.different, 1);
        wanted.size = 4096;
        wanted.offset = 4096;
        assert_int_equal(look(&wanted, true, RTS_SEARCH_SYMFS).counts.different, 1);
        wanted.offset = 0;
        wanted.by_path = false;
        assert_int_equal(look(&wanted, true, RTS_SEARCH_SYMFS).found, 0);
        wanted.by_path = true;
        /* A build-id is not to be argued with. */
        wanted.build_id = second;
        assert_int_equal(look(&wanted, true, RTS_SEARCH_SYMFS).found, 0);
        wanted.build_id = first;
        assert_int_equal(look(&wanted, true, RTS_SEARCH_SYMFS).counts.found, places[i].strict_too);
        wanted.build_id.size = 0;
        assert_false(look(&wanted, false, RTS_SEARCH_SYSTEM).found);
    }
}

/* Of two that can be it neither is taken; the one at the recorded path goes before them. */
static void of_several_none_is_guessed(void **state)
{
    (void)state;
    const struct rts_wanted_file wanted = {
        .path = "/recorded/program", .by_path = true, .size = 4096};
    put_file("root/a/program", &first);
    put_file("root/b/program", &second);
    assert_int_equal(look(&wanted, true, RTS_SEARCH_SYMFS).counts.unknown, 1);
    put_file("root/b/program", &first);
    assert_int_equal(look(&wanted, true, RTS_SEARCH_SYMFS).counts.by_path, 1);
    put_file("root/b/program", &second);
    put_file("root/recorded/program", &second);
    assert_int_equal(look(&wanted, true, RTS_SEARCH_SYMFS).counts.by_path, 1);
}

/* perf before 5.10 filled build-ids up to 20 bytes, and did not say by how much. */
static void zeros_behind_a_build_id_may_be_none_of_it(void **state)
{
    (void)state;
    static const struct rts_build_id eight = {.size = 8, .bytes = {1, 2, 3, 4, 5, 6, 7, 8}};
    struct rts_wanted_file wanted = {.path = "/recorded/program", .build_id = eight};
    put_file("root/recorded/program", &eight);
    wanted.build_id.size = 20;
    assert_true(finds(&wanted, RTS_SEARCH_SYMFS));
    wanted.build_id.bytes[19] = 1;
    assert_false(finds(&wanted, RTS_SEARCH_SYMFS));
    /* Too short to be told from others. */
    put_file("root/recorded/program", &first);
    wanted.build_id = first;
    wanted.build_id.size = 20;
    assert_false(finds(&wanted, RTS_SEARCH_SYMFS));
}

/* As in a bundle: any name will do, a build-id is needed. */
static void without_a_path_all_below_the_root_is_looked_at(void **state)
{
    (void)state;
    struct rts_wanted_file wanted = {.path = "", .build_id = first};
    put_file("root/deep/er/any-name", &first);
    assert_true(finds(&wanted, RTS_SEARCH_PATHS));
    assert_true(finds(&wanted, RTS_SEARCH_SYMFS));
    assert_int_equal(look(&wanted, false, RTS_SEARCH_PATHS).counts.missing, 1);
    wanted.build_id = second;
    assert_int_equal(look(&wanted, true, RTS_SEARCH_PATHS).counts.missing, 1);
    wanted.build_id.size = 0;
    assert_int_equal(look(&wanted, true, RTS_SEARCH_PATHS).counts.unknown, 1);
}

/* libc has a build-id, and no path is told. */
static void the_libraries_of_this_machine_are_found_without_a_path(void **state)
{
    (void)state;
    struct rts_elf_image image;
    struct rts_wanted_file wanted = {.path = ""};
    ORACLE_NEEDS("ldd");
    char *path = oracle_ask("ldd /bin/sh | grep -o '/[^ ]*/libc[.]so[^ ]*'");
    int fd = open(path, O_RDONLY);
    free(path);
    if (fd < 0 || rts_elf_image_open(&image, fd, NULL) < 0)
        skip();
    rts_build_id_read(&image, &wanted.build_id);
    rts_elf_image_finish(&image);
    if (wanted.build_id.size == 0)
        skip();
    assert_true(finds(&wanted, RTS_SEARCH_SYSTEM));
    assert_false(finds(&wanted, RTS_SEARCH_SYMFS));
}

/* A trace may say anything. */
static void hostile_paths_lead_nowhere(void **state)
{
    (void)state;
    static const char *const paths[] = {"relative",
                                        "//anon",
                                        "[heap]",
                                        "/dev/zero",
                                        "/proc/self/mem",
                                        "/dev/tty",
                                        "/../../../../../etc",
                                        "[vdso]x"};
    shell("mkfifo root/fifo && ln -s / root/out");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct rts_wanted_file wanted = {.path = paths[i], .build_id = first};
        assert_false(finds(&wanted, RTS_SEARCH_PATHS));
        assert_false(finds(&wanted, RTS_SEARCH_SYMFS));
    }
    const struct rts_wanted_file fifo = {.path = "/fifo", .build_id = first};
    assert_false(finds(&fifo, RTS_SEARCH_SYMFS));
    /* A link of the root to the root is to its own. */
    const struct rts_wanted_file out = {.path = "/out/here", .build_id = first};
    put_file("here", &first);
    assert_false(finds(&out, RTS_SEARCH_SYMFS));
    put_file("root/here", &first);
    assert_true(finds(&out, RTS_SEARCH_SYMFS));
}

static void a_root_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct rts_error error;
    assert_null(rts_file_search_create(NULL, "/not/there", RTS_SEARCH_SYSTEM, &error));
    assert_non_null(strstr(error.text, "/not/there"));
    rts_file_search_destroy(NULL);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_place_is_looked_at, empty),
        cmocka_unit_test_setup(a_recorded_path_is_one_of_this_machine, empty),
        cmocka_unit_test_setup(the_path_is_better_than_the_build_id, empty),
        cmocka_unit_test_setup(another_file_hides_nothing, empty),
        cmocka_unit_test_setup(without_a_build_id_the_digest_tells, empty),
        cmocka_unit_test_setup(without_both_the_inode_tells, empty),
        cmocka_unit_test_setup(without_build_ids_the_path_is_enough, empty),
        cmocka_unit_test_setup(of_several_none_is_guessed, empty),
        cmocka_unit_test_setup(zeros_behind_a_build_id_may_be_none_of_it, empty),
        cmocka_unit_test_setup(without_a_path_all_below_the_root_is_looked_at, empty),
        cmocka_unit_test_setup(the_libraries_of_this_machine_are_found_without_a_path, empty),
        cmocka_unit_test_setup(hostile_paths_lead_nowhere, empty),
        cmocka_unit_test(a_root_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
