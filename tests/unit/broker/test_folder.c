/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of what is in a folder, beside ls(1) and find(1): however much that is, they are bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "../suite.h"
#include "broker/folder.h"

#include "../oracle.h"

struct world {
    char folder[64];
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->folder, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    free(oracle_ask("rm -r %s && echo", world->folder));
    free(world);
    return 0;
}

/* One below the other, sorted; the caller frees it. */
static char *sorted(const struct rts_buffer *list)
{
    char path[] = "/tmp/rtsample-test-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    for (size_t at = 0; at < list->size; at += strlen(list->data + at) + 1)
        fprintf(file, "%s\n", list->data + at);
    fclose(file);
    char *text = oracle_ask("LC_ALL=C sort %s", path);
    unlink(path);
    return text;
}

static void test_names_and_links(void **state)
{
    const struct world *world = *state;
    struct rts_buffer list = RTS_BUFFER_INIT;
    char path[128];
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof path, "%s/link%d", world->folder, i);
        assert_int_equal(symlink(i % 2 ? "/etc/passwd" : "somewhere else", path), 0);
    }
    snprintf(path, sizeof path, "%s/.hidden", world->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(rts_folder_list(opendir(world->folder), RTS_FOLDER_NAMES, 100, &list), 21);
    char *ours = sorted(&list), *theirs = oracle_ask("ls -A %s | LC_ALL=C sort", world->folder);
    assert_string_equal(ours, theirs);
    free(ours);
    free(theirs);
    rts_buffer_clear(&list);
    assert_int_equal(rts_folder_list(opendir(world->folder), RTS_FOLDER_LINKS, 100, &list), 20);
    ours = sorted(&list);
    theirs = oracle_ask("find %s -type l -printf '%%l\\n' | LC_ALL=C sort", world->folder);
    assert_string_equal(ours, theirs);
    free(ours);
    free(theirs);
    rts_buffer_clear(&list);
    assert_int_equal(rts_folder_list(opendir(world->folder), RTS_FOLDER_LINKS, 7, &list), 7);
    assert_int_equal(rts_folder_list(opendir("/nowhere"), RTS_FOLDER_NAMES, 7, &list), -1);
    rts_buffer_finish(&list);
}

/* Links that say as much as they can: the list ends where there is no room, and not in one. */
static void test_no_more_than_that(void **state)
{
    const struct world *world = *state;
    struct rts_buffer list = RTS_BUFFER_INIT;
    char path[128], target[4000];
    const int made = (int)(RTS_FOLDER_TEXT_MAX / sizeof target) + 300;
    memset(target, 'x', sizeof target);
    target[sizeof target - 1] = '\0';
    for (int i = 0; i < made; i++) {
        snprintf(path, sizeof path, "%s/%d", world->folder, i);
        assert_int_equal(symlink(target, path), 0);
    }
    int count = rts_folder_list(opendir(world->folder), RTS_FOLDER_LINKS, 100000, &list);
    assert_in_range(count, 1000, made - 1);
    assert_int_equal(list.size, (size_t)count * sizeof target);
    assert_true(list.size <= RTS_FOLDER_TEXT_MAX);
    rts_buffer_finish(&list);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names_and_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_more_than_that, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
