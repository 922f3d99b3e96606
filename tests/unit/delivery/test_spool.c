/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../suite.h"
#include "delivery/spool_file.h"

static const char envelope[] = "path: /signals/runtime-facts/ndjson\nquery: callgraphId=c\n"
                               "header: X-Callgraph-Id: c\nwithheld: Authorization\n";

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/rtsample-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static void remove_files(const char *path)
{
    DIR *list = opendir(path);
    for (struct dirent *item; list && (item = readdir(list));) {
        char name[512];
        snprintf(name, sizeof name, "%s/%s", path, item->d_name);
        if (item->d_name[0] != '.' && unlink(name) != 0) {
            remove_files(name);
            rmdir(name);
        }
    }
    if (list)
        closedir(list);
}

static int remove_folder(void **state)
{
    (void)state;
    remove_files(folder);
    return rmdir(folder);
}

static struct rts_batch *make_batch(uint64_t sequence, unsigned events)
{
    struct rts_batch_form form = {envelope, NULL};
    struct rts_buffer lines = RTS_BUFFER_INIT;
    size_t position = 0;
    for (unsigned i = 0; i < events; i++)
        rts_buffer_format(&lines, "{\"n\":%u,\"s\":%u}\n", i, (unsigned)sequence);
    struct rts_batch *batch =
        rts_batch_cut(&form, lines.data, lines.size, &position, events, sequence);
    rts_buffer_finish(&lines);
    return batch;
}

static struct rts_spool *open_spool(uint64_t max_bytes)
{
    struct rts_spool_options options = {folder, max_bytes, 0};
    struct rts_error error = {0};
    struct rts_spool *spool = rts_spool_open(&options, &error);
    if (!spool)
        fail_msg("%s", error.text);
    return spool;
}

static void put(struct rts_spool *spool, uint64_t sequence, unsigned events,
                struct rts_spool_loss *loss)
{
    struct rts_batch *batch = make_batch(sequence, events);
    struct rts_error error = {0};
    if (rts_spool_put(spool, batch, loss, &error) < 0)
        fail_msg("%s", error.text);
    rts_batch_destroy(batch);
}

static struct rts_batch *next(struct rts_spool *spool)
{
    struct rts_spool_loss loss = {0};
    return rts_spool_next(spool, 0, NULL, &loss);
}

static void assert_same(const struct rts_batch *a, const struct rts_batch *b)
{
    assert_int_equal(rts_batch_compare(&a->id, &b->id), 0);
    assert_string_equal(a->key, b->key);
    assert_string_equal(a->envelope, b->envelope);
    assert_int_equal(a->events, b->events);
    assert_int_equal(a->gzip, b->gzip);
    assert_int_equal(a->structured, b->structured);
    assert_int_equal(a->body.size, b->body.size);
    assert_memory_equal(a->body.data, b->body.data, b->body.size);
}

/* --- One file */

static struct rts_buffer whole_file(const struct rts_batch *batch)
{
    struct rts_buffer file = RTS_BUFFER_INIT;
    rts_spool_file_head(batch, &file);
    rts_buffer_append(&file, batch->body.data, batch->body.size);
    return file;
}

static void a_file_gives_the_batch_back(void **state)
{
    (void)state;
    static const unsigned events[] = {1, 5, 9000};
    for (size_t i = 0; i < 3; i++) {
        struct rts_batch *batch = make_batch(0x123456789abcdef0, events[i]);
        struct rts_buffer file = whole_file(batch);
        char name[RTS_SPOOL_NAME_SIZE];
        struct rts_batch_id id;
        rts_spool_file_name(&batch->id, name);
        assert_int_equal(rts_spool_file_read_name(name, &id), 0);
        struct rts_batch *again = rts_spool_file_read(&id, file.data, file.size, NULL);
        assert_non_null(again);
        assert_same(again, batch);
        rts_batch_destroy(again);
        rts_batch_destroy(batch);
        rts_buffer_finish(&file);
    }
}

/* Any one byte changed, and any cut, is noticed. */
static void damage_is_noticed(void **state)
{
    (void)state;
    struct rts_batch *batch = make_batch(5, 3);
    struct rts_buffer file = whole_file(batch);
    for (size_t i = 0; i < file.size; i++) {
        char before = file.data[i];
        for (int bit = 0; bit < 8; bit++) {
            file.data[i] = (char)(before ^ 1 << bit);
            assert_null(rts_spool_file_read(&batch->id, file.data, file.size, NULL));
        }
        file.data[i] = before;
        char *cut = malloc(i ? i : 1);
        memcpy(cut, file.data, i);
        assert_null(rts_spool_file_read(&batch->id, cut, i, NULL));
        free(cut);
    }
    rts_buffer_text(&file, "x");
    assert_null(rts_spool_file_read(&batch->id, file.data, file.size, NULL));
    rts_batch_destroy(batch);
    rts_buffer_finish(&file);
}

/* A head that someone made up, with the right digests, brings nothing into a request. */
static void made_up_heads_are_refused(void **state)
{
    (void)state;
    static const char *const envelopes[] = {
        "path: /x\nquery: a\nheader: Authorization: Bearer x\n",
        "path: /x\nquery: a\nheader: Host: other\n",
        "path: /x\nquery: a\nheader: X-Scopes: a\rX-B: c\n",
        "path: /x\nquery: a\nheader: X-Scopes\n",
        "path: x\nquery: a\n",
        "path: /x y\nquery: a\n",
        "path: /x\nquery: a b\n",
        "path: /x\nquery: a#b\n",
        "query: a\npath: /x\n",
        "path: /x\n",
        "",
        "path: /x\nquery: a\nmore: b\n",
        "path: /x\nquery: a\nwithheld: A: b\n",
    };
    for (size_t i = 0; i < sizeof envelopes / sizeof *envelopes; i++) {
        struct rts_batch *batch = make_batch(5, 3);
        free(batch->envelope);
        batch->envelope = strdup(envelopes[i]);
        struct rts_buffer file = whole_file(batch);
        assert_null(rts_spool_file_read(&batch->id, file.data, file.size, NULL));
        rts_batch_destroy(batch);
        rts_buffer_finish(&file);
    }
}

static void names_that_are_none(void **state)
{
    (void)state;
    static const char hex[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    static const char *const forms[] = {"%.16s-%.64s.batc",
                                        "%.15s-%.64s.batch",
                                        "%.16s-%.63s.batch",
                                        "%.16s-%.64s.batch.",
                                        "%.16sc-%.64s.batch",
                                        "%.16s%.64s.batch",
                                        "%.16saaaaaaaaaaaaaaaaaaaaa-%.64s.batch",
                                        ".%.16s-%.64s.batch"};
    struct rts_batch_id id;
    char name[256];
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(name, sizeof name, forms[i], hex, hex);
#pragma GCC diagnostic pop
        assert_int_equal(rts_spool_file_read_name(name, &id), -1);
    }
    snprintf(name, sizeof name, "%.16sab-%.64s.batch", hex, hex);
    assert_int_equal(rts_spool_file_read_name(name, &id), 0);
    assert_int_equal(id.sequence, 0x0123456789abcdef);
    assert_string_equal(id.part, "ab");
    name[20] = 'A';
    assert_int_equal(rts_spool_file_read_name(name, &id), -1);
    assert_int_equal(rts_spool_file_read_name("", &id), -1);
}

/* --- The directory */

static void oldest_first_over_a_restart(void **state)
{
    (void)state;
    struct rts_spool_loss loss = {0};
    struct rts_spool *spool = open_spool(0);
    static const uint64_t order[] = {3, 1, 2, 0x10, 9};
    for (size_t i = 0; i < 5; i++)
        put(spool, order[i], 2, &loss);
    assert_int_equal(rts_spool_own_events(spool), 10);
    rts_spool_close(spool);

    spool = open_spool(0);
    assert_int_equal(rts_spool_count(spool), 5);
    assert_int_equal(rts_spool_own_events(spool), 0);
    assert_int_equal(rts_spool_last_sequence(spool), 0x10);
    static const uint64_t sorted[] = {1, 2, 3, 9, 0x10};
    for (size_t i = 0; i < 5; i++) {
        struct rts_batch *batch = next(spool), *same = make_batch(sorted[i], 2);
        assert_non_null(batch);
        assert_true(batch->earlier);
        assert_same(batch, same);
        rts_spool_remove(spool, batch);
        rts_batch_destroy(batch);
        rts_batch_destroy(same);
    }
    assert_null(next(spool));
    rts_spool_close(spool);
    spool = open_spool(0);
    assert_int_equal(rts_spool_count(spool), 0);
    rts_spool_close(spool);
}

static void one_owner(void **state)
{
    (void)state;
    struct rts_spool_options options = {folder, 0, 0};
    struct rts_error error = {0};
    struct rts_spool *spool = open_spool(0);
    assert_null(rts_spool_open(&options, &error));
    assert_non_null(strstr(error.text, "in use"));
    rts_spool_close(spool);
    rts_spool_close(open_spool(0));
    rts_spool_close(NULL);
}

static void modes(void **state)
{
    (void)state;
    struct stat status;
    char path[256], name[RTS_SPOOL_NAME_SIZE];
    mode_t before = umask(0);
    chmod(folder, 0755);
    struct rts_spool_loss loss = {0};
    struct rts_spool *spool = open_spool(0);
    put(spool, 1, 1, &loss);
    struct rts_batch *batch = make_batch(1, 1);
    rts_spool_file_name(&batch->id, name);
    rts_batch_destroy(batch);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    rts_spool_close(spool);
    umask(before);
}

static void makes_room_but_not_of_what_is_sent(void **state)
{
    (void)state;
    struct rts_spool_loss loss = {0};
    struct rts_spool *spool = open_spool(3 * 4096);
    put(spool, 1, 5, &loss);
    struct rts_batch *busy = next(spool);
    for (uint64_t i = 2; i < 8; i++)
        put(spool, i, (unsigned)i, &loss);
    assert_int_equal(loss.own, 2 + 3 + 4 + 5);
    assert_int_equal(rts_spool_count(spool), 3);
    assert_int_equal(rts_spool_own_events(spool), 5 + 6 + 7);
    rts_spool_keep(spool, busy, 0);
    rts_batch_destroy(busy);
    put(spool, 8, 1, &loss);
    assert_int_equal(loss.own, 14 + 5);
    rts_spool_close(spool);

    spool = open_spool(3 * 4096);
    loss = (struct rts_spool_loss){0};
    put(spool, 9, 1, &loss);
    assert_int_equal(loss.own, 0);
    assert_int_equal(loss.earlier, 6);
    rts_spool_close(spool);
}

static void a_batch_that_never_fits(void **state)
{
    (void)state;
    struct rts_spool_loss loss = {0};
    struct rts_spool *spool = open_spool(2 * 4096);
    put(spool, 1, 1, &loss);
    struct rts_batch *batch = make_batch(2, 700);
    assert_false(batch->gzip);
    assert_int_equal(rts_spool_put(spool, batch, &loss, NULL), -1);
    assert_int_equal(rts_spool_count(spool), 1);
    assert_int_equal(loss.own, 0);
    rts_batch_destroy(batch);
    rts_spool_close(spool);
}

static void deferred_and_skipped(void **state)
{
    (void)state;
    struct rts_spool_loss loss = {0};
    struct rts_spool *spool = open_spool(0);
    put(spool, 1, 1, &loss);
    put(spool, 2, 1, &loss);
    struct rts_batch *first = next(spool);
    first->attempts = 3;
    rts_spool_keep(spool, first, 100);
    struct rts_batch *second = next(spool);
    assert_int_equal(second->id.sequence, 2);
    assert_null(rts_spool_peek(spool, 0, &second->id));
    assert_int_equal(rts_spool_peek(spool, 100, &second->id)->sequence, 1);
    rts_batch_destroy(first);
    first = rts_spool_next(spool, 100, NULL, &loss);
    assert_int_equal(first->id.sequence, 1);
    assert_int_equal(first->attempts, 3);
    rts_batch_destroy(first);
    rts_batch_destroy(second);
    rts_spool_close(spool);
}

static bool exists(const char *below, const struct rts_batch *batch, const char *suffix)
{
    char name[RTS_SPOOL_NAME_SIZE], path[512];
    rts_spool_file_name(&batch->id, name);
    snprintf(path, sizeof path, "%s%s/%s%s", folder, below, name, suffix);
    return access(path, F_OK) == 0;
}

static void refused_ones_are_kept_apart(void **state)
{
    (void)state;
    struct rts_spool_loss loss = {0};
    struct rts_buffer answer = RTS_BUFFER_INIT;
    rts_buffer_text(&answer, "no\n");
    struct rts_spool *spool = open_spool(0);
    put(spool, 1, 1, &loss);
    struct rts_batch *in = next(spool), *out = make_batch(2, 1);
    assert_int_equal(rts_spool_reject(spool, in, &answer, NULL), 0);
    assert_int_equal(rts_spool_reject(spool, out, &answer, NULL), 0);
    assert_int_equal(rts_spool_count(spool), 0);
    assert_false(exists("", in, ""));
    assert_true(exists("/rejected", in, "") && exists("/rejected", in, ".answer"));
    assert_true(exists("/rejected", out, "") && exists("/rejected", out, ".answer"));
    rts_batch_destroy(in);
    rts_batch_destroy(out);
    rts_spool_close(spool);
    spool = open_spool(0);
    assert_int_equal(rts_spool_count(spool), 0);
    rts_spool_close(spool);
    rts_buffer_finish(&answer);
}

/* The room for what was refused is a quarter of the spool's: 8 files of one block. */
static void refused_ones_are_bounded(void **state)
{
    (void)state;
    struct rts_buffer answer = RTS_BUFFER_INIT;
    rts_buffer_text(&answer, "no\n");
    struct rts_spool *spool = open_spool(32 * 4096);
    for (uint64_t i = 1; i <= 20; i++) {
        struct rts_batch *batch = make_batch(i, 1);
        assert_int_equal(rts_spool_reject(spool, batch, &answer, NULL), 0);
        assert_true(exists("/rejected", batch, ""));
        rts_batch_destroy(batch);
    }
    struct rts_batch *first = make_batch(1, 1), *late = make_batch(18, 1);
    assert_false(exists("/rejected", first, ""));
    assert_true(exists("/rejected", late, ""));
    rts_batch_destroy(first);
    rts_batch_destroy(late);
    rts_spool_close(spool);
    rts_buffer_finish(&answer);
}

static void halves_take_the_place(void **state)
{
    (void)state;
    struct rts_spool_loss loss = {0};
    struct rts_spool *spool = open_spool(0);
    put(spool, 1, 5, &loss);
    put(spool, 2, 1, &loss);
    struct rts_batch *whole = next(spool), *halves[2];
    assert_int_equal(rts_batch_split(whole, halves, NULL), 0);
    assert_int_equal(rts_spool_split(spool, whole, halves, NULL), 0);
    assert_false(exists("", whole, ""));
    assert_int_equal(rts_spool_own_events(spool), 6);
    rts_spool_close(spool);

    spool = open_spool(0);
    for (int i = 0; i < 2; i++) {
        struct rts_batch *half = next(spool);
        assert_same(half, halves[i]);
        assert_memory_equal(half->parent, whole->id.digest, RTS_SHA256_SIZE);
        rts_spool_remove(spool, half);
        rts_batch_destroy(half);
        rts_batch_destroy(halves[i]);
    }
    assert_int_equal(rts_spool_count(spool), 1);
    rts_batch_destroy(whole);
    rts_spool_close(spool);
}

/* Died between writing the halves and removing the whole: the halves never counted. */
static void an_unfinished_split_is_undone(void **state)
{
    (void)state;
    struct rts_spool_loss loss = {0};
    struct rts_spool *spool = open_spool(0);
    struct rts_batch *whole = make_batch(1, 8), *other = make_batch(1, 9), *halves[2], *theirs[2];
    assert_int_equal(rts_batch_split(whole, halves, NULL), 0);
    assert_int_equal(rts_batch_split(other, theirs, NULL), 0);
    /* Halves of another batch of the same number, whose whole is gone, must stay. */
    struct rts_batch *all[] = {whole, halves[0], halves[1], theirs[1]};
    for (int i = 0; i < 4; i++)
        assert_int_equal(rts_spool_put(spool, all[i], &loss, NULL), 0);
    rts_spool_close(spool);
    spool = open_spool(0);
    assert_int_equal(rts_spool_count(spool), 2);
    assert_true(exists("", whole, "") && exists("", theirs[1], ""));
    assert_false(exists("", halves[0], "") || exists("", halves[1], ""));
    rts_spool_close(spool);
    rts_batch_destroy(other);
    rts_batch_destroy(theirs[0]);
    for (int i = 0; i < 4; i++)
        rts_batch_destroy(all[i]);
}

static void old_ones_expire(void **state)
{
    (void)state;
    struct rts_spool_loss loss = {0};
    struct rts_spool *spool = open_spool(0);
    for (uint64_t i = 1; i <= 4; i++)
        put(spool, i, 1, &loss);
    rts_spool_close(spool);
    static const time_t ages[] = {8 * 86400, 6 * 86400, -1000000, 3000000000};
    for (uint64_t i = 0; i < 4; i++) {
        char name[RTS_SPOOL_NAME_SIZE], path[256];
        struct rts_batch *batch = make_batch(i + 1, 1);
        rts_spool_file_name(&batch->id, name);
        rts_batch_destroy(batch);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        time_t when = time(NULL) - ages[i];
        struct timespec times[2] = {{when, 0}, {when, 0}};
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    }
    spool = open_spool(0);
    /* Nothing of it was tried, so that all of it may still be taken. */
    rts_spool_expire(spool, true, &loss);
    assert_int_equal(loss.earlier, 0);
    struct rts_batch *tried = next(spool);
    assert_int_equal(tried->id.sequence, 1);
    tried->attempts = 1;
    rts_spool_keep(spool, tried, 0);
    rts_batch_destroy(tried);
    rts_spool_expire(spool, true, &loss);
    assert_int_equal(loss.earlier, 1);
    assert_int_equal(rts_spool_count(spool), 3);
    rts_spool_expire(spool, false, &loss);
    assert_int_equal(loss.earlier, 2);
    assert_int_equal(rts_spool_count(spool), 2);
    rts_spool_close(spool);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_gives_the_batch_back),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(made_up_heads_are_refused),
        cmocka_unit_test(names_that_are_none),
        WITH_FOLDER(oldest_first_over_a_restart),
        WITH_FOLDER(one_owner),
        WITH_FOLDER(modes),
        WITH_FOLDER(makes_room_but_not_of_what_is_sent),
        WITH_FOLDER(a_batch_that_never_fits),
        WITH_FOLDER(deferred_and_skipped),
        WITH_FOLDER(refused_ones_are_kept_apart),
        WITH_FOLDER(refused_ones_are_bounded),
        WITH_FOLDER(halves_take_the_place),
        WITH_FOLDER(an_unfinished_split_is_undone),
        WITH_FOLDER(old_ones_expire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
