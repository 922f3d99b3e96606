/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"

int rts_token_read(const char *path, char token[RTS_TOKEN_SIZE], struct rts_error *error)
{
    RTS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return rts_fail_errno(error, errno, "cannot open the token file %s", path);
    size_t size = 0;
    while (size < RTS_TOKEN_SIZE) {
        ssize_t taken = read(fd, token + size, RTS_TOKEN_SIZE - size);
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken < 0)
            return rts_fail_errno(error, errno, "cannot read the token file %s", path);
        if (taken == 0)
            break;
        size += (size_t)taken;
    }
    if (size == RTS_TOKEN_SIZE)
        return rts_fail(error, RTS_USAGE, "the token file %s is too long for a token", path);
    token[size] = '\0';
    size_t start = strspn(token, " \t");
    size_t length = strcspn(token + start, "\r\n");
    if (token[start + length + strspn(token + start + length, " \t\r\n")])
        return rts_fail(error, RTS_USAGE, "the token file %s has more than one line", path);
    while (length > 0 && strchr(" \t", token[start + length - 1]))
        length--;
    memmove(token, token + start, length);
    token[length] = '\0';
    for (const char *at = token; *at; at++)
        if (*at <= ' ' || *at > '~')
            return rts_fail(error, RTS_USAGE, "the token file %s holds no bearer token", path);
    return length ? 0 : rts_fail(error, RTS_USAGE, "the token file %s is empty", path);
}
