/* SPDX-License-Identifier: Apache-2.0 */
/* The capabilities of the calling thread: bits by their numbers. */
#ifndef RTS_SEALING_CAPABILITIES_H
#define RTS_SEALING_CAPABILITIES_H

#include <stdint.h>

/* The word for a capability, without "cap_" and in small letters: "sys_ptrace". Static; NULL: it is
 * younger than this program. */
const char *rts_capability_word(unsigned number);

/* What it may have: its permitted set; 0 when that cannot be read. */
uint64_t rts_capabilities_permitted(void);

/* Drops all that is not in `kept` from every set: bounding (where that is permitted, by
 * CAP_SETPCAP), ambient, inheritable, which ends empty, permitted and effective. Those `at_rest`
 * are permitted from then on and not in effect. What it has not it does not get. Returns 0, or -1
 * with errno when it still has more. */
int rts_capabilities_keep(uint64_t kept, uint64_t at_rest);

/* Has only `effective` in effect, of what is permitted, until another call. Returns 0, or -1 with
 * errno. */
int rts_capabilities_use(uint64_t effective);

#endif
