/* SPDX-License-Identifier: Apache-2.0 */
#include "process/namespace_root.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"

/* The child makes two calls, through libc, and the sanitizers look over its shoulder. */
#define STACK_SIZE 65536

struct visit {
    int namespace, root, error;
};

/* A directory's place in the file tree belongs to each process alone (no CLONE_FS), so that only
 * the child moves; files do not (CLONE_FILES), so that what it opens is ours. */
static int look(void *argument)
{
    struct visit *visit = argument;
    if (setns(visit->namespace, CLONE_NEWNS) == 0)
        visit->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    visit->error = errno;
    _exit(0);
}

int rts_namespace_root_open(const char *proc_root, int32_t pid)
{
    char name[320];
    snprintf(name, sizeof name, "%s/%d/ns/mnt", proc_root, (int)pid);
    RTS_CLOSE int namespace = open(name, O_RDONLY | O_CLOEXEC);
    if (namespace < 0)
        return -1;
    struct visit visit = {.namespace = namespace, .root = -1};
    _Alignas(16) char stack[STACK_SIZE];
    sigset_t all, before;
    /* A handler must not run in the child, whose memory is ours. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t child = clone(look, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES, &visit);
    int failure = errno;
    while (child >= 0 && waitpid(child, NULL, (int)__WCLONE) < 0 && errno == EINTR)
        continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = child < 0 ? failure : visit.error;
    return visit.root;
}
