/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/proc.h"

#include <errno.h>
#include <string.h>

#include "broker/broker.h"
#include "broker/proc_direct.h"

/* Asks about a file of the process; the text of the answer is appended to *text. */
static int ask(const struct rts_proc *proc, enum rts_ask_what what, int32_t pid, const char *name,
               size_t limit, struct rts_buffer *text)
{
    struct rts_ask question = {.what = what, .pid = pid, .values = {limit}};
    struct rts_reply answer;
    rts_reply_init(&answer);
    int result = rts_broker_ask(proc->broker, &question, name, strlen(name) + 1, -1,
                                RTS_PROC_TEXT_MAX, &answer);
    int number = errno;
    if (result == 0) {
        result = (int)answer.told.values[0];
        if (text && answer.text.size > 0)
            rts_buffer_append(text, answer.text.data, answer.text.size);
    }
    rts_reply_finish(&answer);
    errno = number;
    return result;
}

int rts_proc_read(const struct rts_proc *proc, int32_t pid, const char *name, size_t limit,
                  struct rts_buffer *text)
{
    return proc->broker ? ask(proc, RTS_ASK_PROC_READ, pid, name, limit, text)
                        : rts_proc_read_direct(proc->root, pid, name, limit, text);
}

int rts_proc_list(const struct rts_proc *proc, int32_t pid, const char *name, size_t limit,
                  struct rts_buffer *names)
{
    return proc->broker ? ask(proc, RTS_ASK_PROC_LIST, pid, name, limit, names)
                        : rts_proc_list_direct(proc->root, pid, name, limit, names);
}

ssize_t rts_proc_link(const struct rts_proc *proc, int32_t pid, const char *name, char *target,
                      size_t size)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    if (!proc->broker)
        return rts_proc_link_direct(proc->root, pid, name, target, size);
    ssize_t length = ask(proc, RTS_ASK_PROC_LINK, pid, name, 0, &text);
    int number = errno;
    if (length >= 0) {
        length = (ssize_t)(text.size < size ? text.size : size - 1);
        memcpy(target, text.size > 0 ? text.data : "", (size_t)length);
        target[length] = '\0';
    }
    rts_buffer_finish(&text);
    errno = number;
    return length;
}

int rts_proc_links(const struct rts_proc *proc, int32_t pid, const char *name, size_t limit,
                   struct rts_buffer *targets)
{
    return proc->broker ? ask(proc, RTS_ASK_PROC_LINKS, pid, name, limit, targets)
                        : rts_proc_links_direct(proc->root, pid, name, limit, targets);
}

int rts_proc_may_read(const struct rts_proc *proc, int32_t pid, const char *name)
{
    return proc->broker ? ask(proc, RTS_ASK_PROC_MAY, pid, name, 0, NULL)
                        : rts_proc_may_read_direct(proc->root, pid, name);
}

size_t rts_proc_memory(const struct rts_proc *proc, int32_t pid, uint64_t address, void *bytes,
                       size_t size)
{
    struct rts_ask question = {.what = RTS_ASK_MEMORY, .pid = pid, .values = {address, size}};
    struct rts_reply answer;
    size_t have = 0;
    if (size > RTS_PROC_MEMORY_MAX)
        size = RTS_PROC_MEMORY_MAX;
    if (!proc->broker)
        return rts_proc_memory_direct(proc->root, pid, address, bytes, size);
    rts_reply_init(&answer);
    if (rts_broker_ask(proc->broker, &question, NULL, 0, -1, size, &answer) == 0) {
        have = answer.text.size;
        memcpy(bytes, have > 0 ? answer.text.data : "", have);
    }
    rts_reply_finish(&answer);
    return have;
}
