/* SPDX-License-Identifier: Apache-2.0 */
#include "sealing/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sealing/capabilities.h"

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

/* Before Linux 5.8 there is no call for it, and libc guesses: then what belongs to others counts as
 * out of reach. */
static bool is_ours(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_uid == geteuid();
}

static bool may_use(const char *path, int how)
{
    return syscall(SYS_faccessat2, AT_FDCWD, path, how, AT_EACCESS) == 0 ||
           (errno == ENOSYS && is_ours(path));
}

bool rts_reach_takes_capabilities(const char *path, bool folder)
{
    int how = folder ? R_OK | W_OK | X_OK : R_OK;
    if (!path || rts_capabilities_permitted() == 0 || !may_use(path, how))
        return false;
    if (rts_capabilities_use(0) < 0)
        return true;
    bool reached = may_use(path, how);
    rts_capabilities_use(UINT64_MAX);
    return !reached;
}
