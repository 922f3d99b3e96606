/* SPDX-License-Identifier: Apache-2.0 */
/* --stats: the closing account as a file. */
#ifndef RTS_OUTLETS_ACCOUNT_FILE_H
#define RTS_OUTLETS_ACCOUNT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "util/buffer.h"
#include "util/error.h"

struct rts_account_file {
    const char *path; /* borrowed */
    FILE *file;       /* NULL: not asked for, or not open */
    bool written;
};

/* Opens it, before a command runs; what an earlier run has written is left alone until there is a
 * new account. `path` NULL: it is not asked for. */
int rts_account_file_open(struct rts_account_file *account, const char *path,
                          struct rts_error *error);

/* Writes the whole content. */
int rts_account_file_write(struct rts_account_file *account, const struct rts_buffer *text,
                           struct rts_error *error);

/* Closes it; one that was made and never written is removed. */
void rts_account_file_close(struct rts_account_file *account);

#endif
