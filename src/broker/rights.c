/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/buffer.h"
#include "util/cleanup.h"

#define SEARCHES  (1u << CAP_DAC_READ_SEARCH)
#define READS_ALL ((1u << CAP_DAC_OVERRIDE) | SEARCHES)

/* Some sixty lines, and a list of groups. */
#define STATUS_MAX ((size_t)1 << 20)

static void read_groups(const char *list, struct rts_rights *rights)
{
    char *end;
    for (const char *at = list; rights->group_count < RTS_RIGHTS_GROUPS_MAX; at = end) {
        at += strspn(at, " \t");
        unsigned long group = strtoul(at, &end, 10);
        if (end == at || *at == '\n')
            return;
        rights->groups[rights->group_count++] = (uint32_t)group;
    }
}

/* The numbers behind the word at the beginning of a line, up to its end: the fourth of them. */
static unsigned take_id(const char *line, const char *word, uint32_t *id)
{
    char text[64];
    size_t length = strlen(word);
    if (strncmp(line, word, length) != 0)
        return 0;
    snprintf(text, sizeof text, "%.*s", (int)strcspn(line + length, "\n"), line + length);
    return sscanf(text, "%*u %*u %*u %" SCNu32, id) == 1;
}

bool rts_rights_parse(const char *status, struct rts_rights *rights)
{
    unsigned found = 0;
    uint64_t capabilities = 0;
    struct rts_rights read = {.foreign = 1};
    *rights = (struct rts_rights){
        .foreign = 1, .gone = 1, .uid = RTS_RIGHTS_NOBODY, .gid = RTS_RIGHTS_NOBODY};
    for (const char *line = status; *line; line += *line == '\n') {
        found += take_id(line, "Uid:", &read.uid) + take_id(line, "Gid:", &read.gid);
        if (strncmp(line, "CapEff:\t", 8) == 0)
            found += sscanf(line + 8, "%16" SCNx64, &capabilities) == 1;
        if (strncmp(line, "Groups:", 7) == 0)
            read_groups(line + 7, &read);
        line += strcspn(line, "\n");
    }
    if (found != 3)
        return false;
    /* Root of a user namespace below ours has another id here, and its capabilities are not for
     * files of ours. */
    read.reads_all = read.uid == 0 && (capabilities & READS_ALL);
    *rights = read;
    return true;
}

static int read_status(const char *proc_root, int32_t pid, struct rts_buffer *text)
{
    char path[256], block[4096];
    snprintf(path, sizeof path, "%s/%d/status", proc_root, (int)pid);
    RTS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = fd < 0 ? -1 : 1;
    while (count > 0 && text->size < STATUS_MAX && (count = read(fd, block, sizeof block)) > 0)
        rts_buffer_append(text, block, (size_t)count);
    return count < 0 ? -1 : 0;
}

int rts_rights_read(const char *proc_root, int32_t pid, struct rts_rights *rights)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    int result = read_status(proc_root, pid, &text), number = errno;
    if (!rts_rights_parse(result == 0 && text.data ? text.data : "", rights) && result == 0) {
        result = -1;
        number = ESRCH;
    }
    rights->pid = pid;
    rts_buffer_finish(&text);
    errno = number;
    return result;
}

/* ---- taking them on ---- */

struct sets {
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

static int get_sets(struct sets *sets)
{
    *sets = (struct sets){.header = {.version = _LINUX_CAPABILITY_VERSION_3}};
    return (int)syscall(SYS_capget, &sets->header, sets->data);
}

/* Of the capabilities in `mask` those in `effective` are in effect from now on, if we have them. */
static int put_in_effect(uint32_t mask, uint32_t effective)
{
    struct sets sets;
    if (get_sets(&sets) < 0)
        return -1;
    uint32_t wanted =
        (sets.data[0].effective & ~mask) | (effective & mask & sets.data[0].permitted);
    if (wanted == sets.data[0].effective)
        return 0;
    sets.data[0].effective = wanted;
    return (int)syscall(SYS_capset, &sets.header, sets.data);
}

static int note_capabilities(struct rts_rights_before *before)
{
    struct sets sets;
    if (get_sets(&sets) < 0)
        return -1;
    before->effective = sets.data[0].effective;
    before->capabilities = true;
    return 0;
}

/* By the call itself: glibc's changes the groups of all threads. */
static int set_groups(int count, const gid_t *groups)
{
    return (int)syscall(SYS_setgroups, (size_t)count, groups);
}

static uint32_t file_system_user(void)
{
    return (uint32_t)setfsuid((uid_t)-1);
}

static int take_ids(const struct rts_rights *rights, struct rts_rights_before *before)
{
    before->group_count = getgroups(RTS_RIGHTS_OWN_GROUPS_MAX, before->groups);
    if (before->group_count < 0 || set_groups((int)rights->group_count, rights->groups) < 0)
        return -1;
    before->ids = true;
    setfsgid(rights->gid);
    setfsuid(rights->uid);
    return file_system_user() == rights->uid ? 0 : -1;
}

int rts_rights_take(const struct rts_rights *rights, struct rts_rights_before *before)
{
    before->ids = before->capabilities = false;
    if (!rights->foreign)
        return 0;
    bool same = geteuid() != 0 && rights->uid == geteuid();
    bool reads_all = rights->uid == 0 && rights->reads_all;
    if (note_capabilities(before) == 0 && (same || take_ids(rights, before) == 0) &&
        put_in_effect(READS_ALL, reads_all ? READS_ALL : 0) == 0)
        return 0;
    rts_rights_give_back(before);
    return 1;
}

void rts_rights_search(struct rts_rights_before *before)
{
    before->ids = before->capabilities = false;
    if (note_capabilities(before) == 0)
        put_in_effect(SEARCHES, SEARCHES);
}

void rts_rights_give_back(struct rts_rights_before *before)
{
    if (before->ids) {
        setfsuid(geteuid());
        setfsgid(getegid());
        set_groups(before->group_count, before->groups);
    }
    /* With the id of root the kernel puts into effect what is permitted. */
    if (before->capabilities)
        put_in_effect(UINT32_MAX, before->effective);
    before->ids = before->capabilities = false;
}
