/* SPDX-License-Identifier: Apache-2.0 */
/* A bearer token in a file. Its text is in no error. */
#ifndef RTS_DELIVERY_TOKEN_H
#define RTS_DELIVERY_TOKEN_H

#include "util/error.h"

#define RTS_TOKEN_SIZE 8192 /* with the NUL; JSON web tokens have some hundreds of bytes */

/* Reads the one line of the file without the blanks around it. Fails when it cannot be read, is
 * empty, too long, or no token (RFC 6750: no blanks and no control characters). */
int rts_token_read(const char *path, char token[RTS_TOKEN_SIZE], struct rts_error *error);

#endif
