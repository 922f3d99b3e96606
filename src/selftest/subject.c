/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest/subject.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"

/* Nobody waits for longer than that for the child's end; it has nothing to wait for. */
#define LIFE_S 10

/* In the child. Every descriptor is let go of: it must keep nothing open that we close. */
static void run_forms(struct rts_form_control *page, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    alarm(LIFE_S); /* if all else fails */
    signal(SIGALRM, SIG_DFL);
    prctl(PR_SET_NAME, "rtsample-test");
    close_range(0, ~0U, 0);
    for (;;) {
        int form = page->wanted;
        if (form < 0 || form >= RTS_FORM_COUNT) {
            const struct timespec moment = {0, RTS_NS_PER_MS};
            nanosleep(&moment, NULL);
            continue;
        }
        rts_form_run((enum rts_form)form, page);
    }
}

int rts_subject_start(struct rts_subject *subject, const struct rts_origin *origin,
                      struct rts_error *error)
{
    pid_t parent = getpid();
    *subject = (struct rts_subject){0};
    subject->page = mmap(NULL, sizeof *subject->page, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (subject->page == MAP_FAILED) {
        subject->page = NULL;
        return rts_fail_errno(error, errno, "no memory to share with the self-test");
    }
    subject->page->wanted = RTS_FORM_COUNT;
    rts_origin_show(origin);
    subject->pid = fork();
    if (subject->pid == 0)
        run_forms(subject->page, parent);
    rts_origin_hide();
    if (subject->pid > 0)
        return 0;
    rts_fail_errno(error, errno, "cannot start the self-test");
    subject->pid = 0;
    rts_subject_end(subject);
    return -1;
}

void rts_subject_run(struct rts_subject *subject, enum rts_form form)
{
    subject->page->settled_ns[form] = 0;
    subject->page->wanted = (int)form;
}

uint64_t rts_subject_settled_ns(const struct rts_subject *subject, enum rts_form form)
{
    return subject->page->settled_ns[form];
}

uint64_t rts_subject_cpu_ns(const struct rts_subject *subject)
{
    clockid_t clock;
    struct timespec used;
    if (subject->pid <= 0 || clock_getcpuclockid(subject->pid, &clock) != 0 ||
        clock_gettime(clock, &used) != 0)
        return 0;
    return (uint64_t)rts_timespec_ns(used);
}

void rts_subject_end(struct rts_subject *subject)
{
    if (subject->pid > 0) {
        kill(subject->pid, SIGKILL);
        while (waitpid(subject->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    if (subject->page)
        munmap(subject->page, sizeof *subject->page);
    *subject = (struct rts_subject){0};
}
