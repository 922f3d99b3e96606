/* SPDX-License-Identifier: Apache-2.0 */
/* What `rtsample send` is asked to send: files, pipes, standard input, spools. */
#ifndef RTS_SEND_SEND_INPUT_H
#define RTS_SEND_SEND_INPUT_H

#include <stdbool.h>

#include "util/error.h"

struct rts_send_input {
    const char *name; /* borrowed; "-": standard input */
    bool is_stdin;
    bool is_spool; /* a directory */
    int kept;      /* a copy that can be read again; -1: none */
};

/* RTS_USAGE when there is no such file. */
int rts_send_input_init(struct rts_send_input *input, const char *name, struct rts_error *error);
void rts_send_input_finish(struct rts_send_input *input);

/* The name for messages. */
const char *rts_send_input_name(const struct rts_send_input *input);

/* Opens it for reading from its beginning; -1 on failure. It does not block: a named pipe may have
 * no writer yet. */
int rts_send_input_open(const struct rts_send_input *input, struct rts_error *error);

/* Makes sure that it can be read twice: what is not a regular file is copied to a temporary one
 * without a name. Fails also when `wake` becomes readable meanwhile. */
int rts_send_input_keep(struct rts_send_input *input, int wake, struct rts_error *error);

#endif
