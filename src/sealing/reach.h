/* SPDX-License-Identifier: Apache-2.0 */
/* Files that people name are now and then such as root alone reaches, by its capabilities: the
 * certificate in somebody's home. */
#ifndef RTS_SEALING_REACH_H
#define RTS_SEALING_REACH_H

#include <stdbool.h>

/* Is `path`, a file to be read or (`folder`) a directory to be written in, out of reach for us
 * without capabilities, and within with them? NULL is not. Looks with those of the calling thread
 * laid down for a moment. */
bool rts_reach_takes_capabilities(const char *path, bool folder);

#endif
