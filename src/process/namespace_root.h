/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RTS_PROCESS_NAMESPACE_ROOT_H
#define RTS_PROCESS_NAMESPACE_ROOT_H

#include <stdint.h>

/* Opens (O_PATH) the root of the mount namespace of the process that /proc shows as `pid`: what its
 * root directory was before it called chroot(2), also when no other process has it any more. It is
 * found by going up from the root directory that the process has, where nobody can stop us but one
 * whose file system makes us wait. Returns the fd, or -1 with errno: that of who may not look into
 * the process, or not pass a folder. */
int rts_namespace_root_open(const char *proc_root, int32_t pid);

#endif
