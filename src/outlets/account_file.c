/* SPDX-License-Identifier: Apache-2.0 */
#include "outlets/account_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/output_file.h"

int rts_account_file_open(struct rts_account_file *account, const char *path,
                          struct rts_error *error)
{
    *account = (struct rts_account_file){.path = path};
    if (!path)
        return 0;
    RTS_CLOSE int fd = rts_output_open(path, 0, "the account", error);
    if (fd < 0)
        return -1;
    account->file = fdopen(fd, "w");
    if (!account->file)
        return rts_fail_errno(error, errno, "cannot open %s for the account", path);
    rts_take_fd(&fd);
    return 0;
}

int rts_account_file_write(struct rts_account_file *account, const struct rts_buffer *text,
                           struct rts_error *error)
{
    /* Fails on a pipe, where there is nothing to cut. */
    if (ftruncate(fileno(account->file), 0) == 0)
        rewind(account->file);
    account->written = fwrite(text->data, 1, text->size, account->file) == text->size &&
                       fflush(account->file) == 0;
    return account->written
               ? 0
               : rts_fail_errno(error, errno, "cannot write the account to %s", account->path);
}

void rts_account_file_close(struct rts_account_file *account)
{
    struct stat status;
    if (!account->file)
        return;
    bool is_empty = fstat(fileno(account->file), &status) == 0 && S_ISREG(status.st_mode) &&
                    status.st_size == 0;
    fclose(account->file);
    account->file = NULL;
    if (!account->written && is_empty)
        unlink(account->path);
}
