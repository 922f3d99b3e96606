/* SPDX-License-Identifier: Apache-2.0 */
#include "rpm/confine.h"

#include <grp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sealing/seal.h"

/* A database of some thousand packages takes a second. */
#define CPU_SECONDS 10

/* The largest databases have some hundred MiB, of which a part is held. */
#define MEMORY_BYTES ((rlim_t)1 << 30)

/* A list of half a million files. */
#define OUTPUT_BYTES ((rlim_t)256 << 20)

#define FILES 64

#define NOBODY 65534

static bool limit(int resource, rlim_t value)
{
    const struct rlimit both = {value, value};
    return setrlimit((__rlimit_resource_t)resource, &both) == 0;
}

/* Where the ids do not exist, in some user namespaces, we stay who we are. */
static void become_nobody(void)
{
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return;
    limit(RLIMIT_NPROC, 0); /* binds everybody but root */
}

const char *rts_confine(const char *folder)
{
    bool limited = limit(RLIMIT_CPU, CPU_SECONDS) && limit(RLIMIT_FSIZE, OUTPUT_BYTES) &&
                   limit(RLIMIT_NOFILE, FILES);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ /* they reserve terabytes */
    limited = limited && limit(RLIMIT_AS, MEMORY_BYTES);
#endif
    struct rts_sealed sealed;
    bool inside = false;
    if (!limited || chdir(folder) < 0)
        return NULL;
    if (geteuid() == 0) {
        inside = chroot(".") == 0;
        become_nobody();
    }
    rts_seal(RTS_SEAL_RPM_READER, 0, &sealed);
    if (sealed.privileges != 0)
        return NULL;
    return inside ? "/" : folder;
}
