/* SPDX-License-Identifier: Apache-2.0 */
/* What this program gives up before it looks into a database that anyone may have made. */
#ifndef RTS_RPM_CONFINE_H
#define RTS_RPM_CONFINE_H

/* Limits time, memory and output and, where we are root, makes `folder` the root directory and
 * becomes nobody; then seals what is left (sealing/seal.h). Returns what `folder` is called from
 * then on; NULL when a limit cannot be set, or new privileges could still be had. */
const char *rts_confine(const char *folder);

#endif
