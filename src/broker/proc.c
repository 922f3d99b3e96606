/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/proc.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "broker/broker.h"
#include "broker/proc_direct.h"

/* Asks about a file of the process. Returns 0, or -1 with errno. */
static int ask(const struct rts_proc *proc, enum rts_ask_what what, int32_t pid, const char *name,
               size_t limit, size_t text_max, struct rts_reply *answer)
{
    struct rts_ask question = {.what = what, .pid = pid, .values = {limit}};
    rts_reply_init(answer);
    return rts_broker_ask(proc->broker, &question, name, strlen(name) + 1, -1,
                          text_max < RTS_PROC_TEXT_MAX ? text_max : RTS_PROC_TEXT_MAX, answer);
}

/* The end of an answer, which leaves errno as it is. */
static void finish(struct rts_reply *answer)
{
    int number = errno;
    rts_reply_finish(answer);
    errno = number;
}

int rts_proc_read(const struct rts_proc *proc, int32_t pid, const char *name, size_t limit,
                  struct rts_buffer *text)
{
    struct rts_reply answer;
    if (!proc->broker)
        return rts_proc_read_direct(proc->root, pid, name, limit, text);
    int result = ask(proc, RTS_ASK_PROC_READ, pid, name, limit, limit, &answer);
    if (result == 0 && answer.text.size > 0)
        rts_buffer_append(text, answer.text.data, answer.text.size);
    finish(&answer);
    return result;
}

static int ask_names(const struct rts_proc *proc, enum rts_ask_what what, int32_t pid,
                     const char *name, size_t limit, struct rts_buffer *names)
{
    struct rts_reply answer;
    int count = ask(proc, what, pid, name, limit, RTS_PROC_TEXT_MAX, &answer);
    if (count == 0)
        count = rts_reply_names(&answer, limit, names);
    finish(&answer);
    return count;
}

int rts_proc_list(const struct rts_proc *proc, int32_t pid, const char *name, size_t limit,
                  struct rts_buffer *names)
{
    return proc->broker ? ask_names(proc, RTS_ASK_PROC_LIST, pid, name, limit, names)
                        : rts_proc_list_direct(proc->root, pid, name, limit, names);
}

int rts_proc_links(const struct rts_proc *proc, int32_t pid, const char *name, size_t limit,
                   struct rts_buffer *targets)
{
    return proc->broker ? ask_names(proc, RTS_ASK_PROC_LINKS, pid, name, limit, targets)
                        : rts_proc_links_direct(proc->root, pid, name, limit, targets);
}

ssize_t rts_proc_link(const struct rts_proc *proc, int32_t pid, const char *name, char *target,
                      size_t size)
{
    struct rts_reply answer;
    if (!proc->broker)
        return rts_proc_link_direct(proc->root, pid, name, target, size);
    ssize_t length = ask(proc, RTS_ASK_PROC_LINK, pid, name, 0, PATH_MAX, &answer);
    if (length == 0 && answer.text.size > 0) {
        length = (ssize_t)(answer.text.size < size ? answer.text.size : size - 1);
        memcpy(target, answer.text.data, (size_t)length);
    }
    if (length >= 0)
        target[length] = '\0';
    finish(&answer);
    return length;
}

int rts_proc_may_read(const struct rts_proc *proc, int32_t pid, const char *name)
{
    struct rts_reply answer;
    if (!proc->broker)
        return rts_proc_may_read_direct(proc->root, pid, name);
    int result = ask(proc, RTS_ASK_PROC_MAY, pid, name, 0, 0, &answer);
    finish(&answer);
    return result;
}

size_t rts_proc_memory(const struct rts_proc *proc, int32_t pid, uint64_t address, void *bytes,
                       size_t size)
{
    return rts_proc_thread_memory(proc, pid, pid, address, bytes, size);
}

size_t rts_proc_thread_memory(const struct rts_proc *proc, int32_t pid, int32_t tid,
                              uint64_t address, void *bytes, size_t size)
{
    struct rts_ask question = {
        .what = RTS_ASK_MEMORY, .pid = pid, .values = {address, size, (uint32_t)tid}};
    struct rts_reply answer;
    size_t have = 0;
    if (size > RTS_PROC_MEMORY_MAX)
        size = RTS_PROC_MEMORY_MAX;
    if (!proc->broker)
        return rts_proc_memory_direct(proc->root, tid, address, bytes, size);
    ssize_t copied = rts_broker_memory(proc->broker, pid, tid, address, bytes, size);
    if (copied >= 0)
        return (size_t)copied;
    rts_reply_init(&answer);
    if (rts_broker_ask(proc->broker, &question, NULL, 0, -1, size, &answer) == 0) {
        have = answer.text.size;
        memcpy(bytes, have > 0 ? answer.text.data : "", have);
    }
    int number = errno;
    rts_reply_finish(&answer);
    errno = number;
    return have;
}
