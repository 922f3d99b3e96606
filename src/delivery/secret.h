/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping secrets out of what others wrote. Pure. */
#ifndef RTS_DELIVERY_SECRET_H
#define RTS_DELIVERY_SECRET_H

#include <stddef.h>

/* Puts asterisks over every occurrence of `secret`; one of fewer than 4 bytes is left alone. */
void rts_secret_blot_out(char *bytes, size_t size, const char *secret);

#endif
