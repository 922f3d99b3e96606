/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/rights.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"

#define READS_ALL ((1u << CAP_DAC_OVERRIDE) | (1u << CAP_DAC_READ_SEARCH))

static void read_groups(const char *list, struct rts_rights *rights)
{
    char *end;
    for (const char *at = list; rights->group_count < RTS_RIGHTS_GROUPS_MAX; at = end) {
        unsigned long group = strtoul(at, &end, 10);
        if (end == at)
            return;
        rights->groups[rights->group_count++] = (uint32_t)group;
    }
}

int rts_rights_read(const char *proc_root, int32_t pid, struct rts_rights *rights)
{
    char path[256], line[4096];
    unsigned found = 0;
    uint64_t capabilities = 0;
    *rights = (struct rts_rights){
        .foreign = 1, .gone = 1, .pid = pid, .uid = RTS_RIGHTS_NOBODY, .gid = RTS_RIGHTS_NOBODY};
    snprintf(path, sizeof path, "%s/%d/status", proc_root, (int)pid);
    RTS_FCLOSE FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    struct rts_rights read = *rights;
    read.gone = 0;
    while (fgets(line, sizeof line, file)) {
        found += sscanf(line, "Uid: %*u %*u %*u %" SCNu32, &read.uid) == 1;
        found += sscanf(line, "Gid: %*u %*u %*u %" SCNu32, &read.gid) == 1;
        found += sscanf(line, "CapEff: %" SCNx64, &capabilities) == 1;
        if (strncmp(line, "Groups:", 7) == 0)
            read_groups(line + 7, &read);
    }
    if (found != 3) {
        errno = ESRCH;
        return -1;
    }
    /* Root of a user namespace below ours has another id here, and its capabilities are not for
     * files of ours. */
    read.reads_all = read.uid == 0 && (capabilities & READS_ALL);
    *rights = read;
    return 0;
}

/* The capabilities to pass by permissions of files: the kernel takes them from the effective ones
 * by itself with a file system id other than 0. */
static int change_reads_all(bool on)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    data[0].effective &= ~READS_ALL;
    if (on)
        data[0].effective |= data[0].permitted & READS_ALL;
    return (int)syscall(SYS_capset, &header, data);
}

/* By the call itself: glibc's changes the groups of all threads. */
static int set_groups(const struct rts_rights *rights)
{
    return (int)syscall(SYS_setgroups, (size_t)rights->group_count, rights->groups);
}

static uint32_t file_system_user(void)
{
    return (uint32_t)setfsuid((uid_t)-1);
}

static bool is_ours(const struct rts_rights *rights)
{
    return !rights->foreign || (geteuid() != 0 && rights->uid == geteuid());
}

int rts_rights_take(const struct rts_rights *rights)
{
    if (is_ours(rights))
        return 0;
    if (set_groups(rights) < 0)
        return 1;
    setfsgid(rights->gid);
    setfsuid(rights->uid);
    if (file_system_user() == rights->uid &&
        (rights->uid != 0 || rights->reads_all || change_reads_all(false) == 0))
        return 0;
    rts_rights_give_back(rights);
    return 1;
}

void rts_rights_give_back(const struct rts_rights *rights)
{
    if (is_ours(rights))
        return;
    setfsuid(geteuid());
    setfsgid(getegid());
    if (geteuid() == 0)
        change_reads_all(true);
}
