/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/memory_window.h"
#include "broker/proc_direct.h"
#include "broker/tree_direct.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* Names of one folder: those of all threads of a process, or of a folder of packages. */
#define NAMES_MAX 200000

static void take_result(struct rts_reply *answer, int64_t result)
{
    answer->told.error = result < 0 ? errno : 0;
    answer->told.values[0] = result < 0 ? 0 : (uint64_t)result;
}

static struct rts_tree tree_of(const struct rts_question *question)
{
    return (struct rts_tree){.root_fd = question->fd, .rights = question->ask.rights};
}

static void answer_file(const struct rts_question *question, struct rts_reply *answer)
{
    const struct rts_tree tree = tree_of(question);
    int fd = rts_tree_open_direct(&tree, question->text);
    take_result(answer, fd);
    if (fd >= 0)
        rts_reply_add(answer, fd);
}

/* The name behind `name` in the text of a question; NULL: there is none. */
static const char *next_name(const struct rts_question *question, const char *name)
{
    const char *next = name + strlen(name) + 1;
    return next < question->text + question->ask.text_size ? next : NULL;
}

/* Bit by bit which of them were opened. */
static void answer_files(const struct rts_question *question, struct rts_reply *answer)
{
    const struct rts_tree tree = tree_of(question);
    const char *names[RTS_TREE_BATCH], *name = question->text;
    int fds[RTS_TREE_BATCH];
    size_t count = 0;
    while (count < RTS_TREE_BATCH && (name = next_name(question, name)))
        names[count++] = name;
    rts_tree_open_each_direct(&tree, question->text, names, count, fds);
    uint64_t opened = 0;
    for (size_t i = 0; i < count; i++) {
        if (fds[i] < 0)
            continue;
        opened |= UINT64_C(1) << i;
        rts_reply_add(answer, fds[i]);
    }
    answer->told.values[0] = opened;
}

static void answer_status(const struct rts_question *question, struct rts_reply *answer)
{
    const struct rts_tree tree = tree_of(question);
    take_result(answer, rts_tree_status_direct(&tree, question->text, &answer->told.status));
}

static size_t names_limit(const struct rts_question *question)
{
    uint64_t limit = question->ask.values[0];
    return limit < NAMES_MAX ? (size_t)limit : NAMES_MAX;
}

static void answer_list(const struct rts_question *question, struct rts_reply *answer)
{
    const struct rts_tree tree = tree_of(question);
    take_result(answer,
                rts_tree_list_direct(&tree, question->text, names_limit(question), &answer->text));
}

static void answer_proc(const char *root, const struct rts_question *question,
                        struct rts_reply *answer)
{
    const struct rts_ask *ask = &question->ask;
    const char *name = question->text;
    char target[4096];
    uint64_t limit = ask->values[0] < RTS_PROC_TEXT_MAX ? ask->values[0] : RTS_PROC_TEXT_MAX;
    ssize_t size;
    switch (ask->what) {
    case RTS_ASK_PROC_READ:
        take_result(answer,
                    rts_proc_read_direct(root, ask->pid, name, (size_t)limit, &answer->text));
        break;
    case RTS_ASK_PROC_LIST:
        take_result(answer, rts_proc_list_direct(root, ask->pid, name, names_limit(question),
                                                 &answer->text));
        break;
    case RTS_ASK_PROC_LINKS:
        take_result(answer, rts_proc_links_direct(root, ask->pid, name, names_limit(question),
                                                  &answer->text));
        break;
    case RTS_ASK_PROC_LINK:
        size = rts_proc_link_direct(root, ask->pid, name, target, sizeof target);
        take_result(answer, size);
        if (size >= 0)
            rts_buffer_append(&answer->text, target, (size_t)size);
        break;
    default: take_result(answer, rts_proc_may_read_direct(root, ask->pid, name));
    }
}

static void answer_memory(const char *root, const struct rts_question *question,
                          struct rts_reply *answer)
{
    const struct rts_ask *ask = &question->ask;
    char bytes[RTS_PROC_MEMORY_MAX];
    uint64_t size = ask->values[1] < sizeof bytes ? ask->values[1] : sizeof bytes;
    size_t have = rts_proc_memory_direct(root, (int32_t)(uint32_t)ask->values[2], ask->values[0],
                                         bytes, (size_t)size);
    answer->told.error = have == 0 ? errno : 0;
    rts_buffer_append(&answer->text, bytes, have);
}

void rts_worker_answer(const struct rts_broker_setup *setup, struct rts_question *question,
                       struct rts_reply *answer)
{
    switch (question->ask.what) {
    case RTS_ASK_FILE: answer_file(question, answer); break;
    case RTS_ASK_FILES: answer_files(question, answer); break;
    case RTS_ASK_STATUS: answer_status(question, answer); break;
    case RTS_ASK_LIST: answer_list(question, answer); break;
    case RTS_ASK_PROC_READ:
    case RTS_ASK_PROC_LIST:
    case RTS_ASK_PROC_LINK:
    case RTS_ASK_PROC_LINKS:
    case RTS_ASK_PROC_MAY: answer_proc(setup->proc_root, question, answer); break;
    case RTS_ASK_MEMORY: answer_memory(setup->proc_root, question, answer); break;
    default:
        if (question->ask.what >= RTS_ASK_OTHERS && setup->answer)
            setup->answer(setup->proc_root, question, answer);
        else
            answer->told.error = ENOSYS;
    }
}

/* ---- how long it takes ---- */

/* What the kernel says of how long we ran, and waited for a CPU; -1: nothing. */
static int open_schedule(const char *proc_root)
{
    char path[256];
    snprintf(path, sizeof path, "%s/self/schedstat", proc_root);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* The time that passes for us: without that in which we waited for a CPU. */
static uint64_t own_time_ns(int schedule)
{
    char text[96];
    unsigned long long ran, queued = 0;
    uint64_t now = rts_clock_monotonic_ns();
    ssize_t size = schedule >= 0 ? pread(schedule, text, sizeof text - 1, 0) : 0;
    text[size > 0 ? size : 0] = '\0';
    return sscanf(text, "%llu %llu", &ran, &queued) == 2 && queued < now ? now - queued : now;
}

void rts_worker_run(int socket, const struct rts_broker_setup *setup)
{
    RTS_FREE struct rts_question *question = malloc(sizeof *question);
    if (!question)
        _exit(1);
    int schedule = open_schedule(setup->proc_root);
    if (setup->seal)
        setup->seal(true);
    while (rts_question_receive(socket, question) > 0) {
        struct rts_reply answer;
        rts_reply_init(&answer);
        uint64_t begin = own_time_ns(schedule);
        rts_worker_answer(setup, question, &answer);
        uint64_t end = own_time_ns(schedule);
        answer.told.taken_ns = end > begin ? end - begin : 0;
        answer.told.number = question->ask.number;
        answer.told.cpu_ns = rts_memory_window_own_cpu_ns();
        struct rts_memory_window *window = NULL;
        if (question->ask.what == RTS_ASK_WINDOW)
            answer.told.error = (window = rts_memory_window_open(question->fd)) ? 0 : errno;
        /* What cannot be sent, for want of memory or descriptors, is answered with that. */
        if (rts_reply_send(socket, &answer) < 0) {
            struct rts_reply failed;
            rts_reply_init(&failed);
            failed.told = (struct rts_told){.number = question->ask.number, .error = errno};
            rts_reply_send(socket, &failed);
        }
        rts_reply_finish(&answer);
        rts_question_finish(question);
        if (window)
            rts_memory_window_serve(window, setup->proc_root);
        rts_memory_window_close(window);
    }
    _exit(0);
}
