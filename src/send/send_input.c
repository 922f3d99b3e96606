/* SPDX-License-Identifier: Apache-2.0 */
#include "send/send_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

int rts_send_input_init(struct rts_send_input *input, const char *name, struct rts_error *error)
{
    struct stat status;
    *input = (struct rts_send_input){.name = name, .is_stdin = strcmp(name, "-") == 0, .kept = -1};
    if (input->is_stdin)
        return 0;
    if (stat(name, &status) < 0)
        return rts_fail(error, RTS_USAGE, "cannot send %s: %s", name, strerror(errno));
    input->is_spool = S_ISDIR(status.st_mode);
    return 0;
}

void rts_send_input_finish(struct rts_send_input *input)
{
    if (input->kept >= 0)
        close(input->kept);
    input->kept = -1;
}

const char *rts_send_input_name(const struct rts_send_input *input)
{
    return input->is_stdin ? "stdin" : input->name;
}

int rts_send_input_open(const struct rts_send_input *input, struct rts_error *error)
{
    int fd;
    if (input->kept >= 0 && lseek(input->kept, 0, SEEK_SET) < 0)
        return rts_fail_errno(error, errno, "cannot read %s again", rts_send_input_name(input));
    if (input->kept >= 0)
        fd = fcntl(input->kept, F_DUPFD_CLOEXEC, 3);
    else if (input->is_stdin)
        fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    else
        fd = open(input->name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return rts_fail(error, RTS_FAILED, "cannot read %s: %s", rts_send_input_name(input),
                        strerror(errno));
    return fd;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = write(fd, bytes, size);
        if (count < 0 && errno != EINTR)
            return -1;
        bytes += count > 0 ? count : 0;
        size -= count > 0 ? (size_t)count : 0;
    }
    return 0;
}

static int copy_all(const struct rts_send_input *input, int from, int wake, struct rts_error *error)
{
    const char *name = rts_send_input_name(input);
    for (;;) {
        char piece[65536];
        struct pollfd fds[2] = {{.fd = from, .events = POLLIN}, {.fd = wake, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return rts_fail_errno(error, errno, "cannot wait for %s", name);
        if (fds[1].revents)
            return rts_fail(error, RTS_FAILED, "%s: interrupted, nothing was sent", name);
        ssize_t size = read(from, piece, sizeof piece);
        if (size < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (size < 0)
            return rts_fail(error, RTS_FAILED, "cannot read %s: %s", name, strerror(errno));
        if (size == 0)
            return 0;
        if (write_all(input->kept, piece, (size_t)size) < 0)
            return rts_fail_errno(error, errno, "--strict: cannot keep a copy of %s", name);
    }
}

int rts_send_input_keep(struct rts_send_input *input, int wake, struct rts_error *error)
{
    struct stat status;
    RTS_CLOSE int from = rts_send_input_open(input, error);
    if (from < 0)
        return -1;
    /* Standard input may be a file that somebody else reads on from where we are. */
    if (fstat(from, &status) == 0 && S_ISREG(status.st_mode) && !input->is_stdin)
        return 0;
    RTS_FCLOSE FILE *copy = tmpfile();
    input->kept = copy ? fcntl(fileno(copy), F_DUPFD_CLOEXEC, 3) : -1;
    if (input->kept < 0)
        return rts_fail_errno(error, errno, "--strict: cannot keep a copy of %s",
                              rts_send_input_name(input));
    return copy_all(input, from, wake, error);
}
