/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The databases of rpm below the roots: their lists are begun as soon as a file below such a root
 * is met, and are mostly there when its package is asked for. Who is late with his waits for his
 * next turn (package/rpm_turns.h); nobody waits for him.
 */
#ifndef RTS_PACKAGE_ROOT_RPM_H
#define RTS_PACKAGE_ROOT_RPM_H

#include <stdbool.h>
#include <stdint.h>

#include "package/root.h"

/* Looks for databases of rpm below roots that are new, takes what was listed, begins with those
 * whose turn it is. Some milliseconds at most, but for the questions to the broker. Cheap when
 * there is nothing to do. */
void rts_package_roots_turn(struct rts_package_roots *roots);

/* Shall a window that is over since `due_ns` wait at `now_ns` for a list? For the host's it may as
 * long as the list takes; for all others 2 s, and not again and again for the same owner. */
bool rts_package_roots_hold(struct rts_package_roots *roots, uint64_t due_ns, uint64_t now_ns);

/* The run ends: what is not complete by now stays unread, which is said. */
void rts_package_roots_give_up(struct rts_package_roots *roots, struct rts_package_root *root);

#endif
