/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/file_system.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "util/cleanup.h"

/* The f_type of statfs(2): those of <linux/magic.h>, and of file systems outside of it. */
static const struct {
    uint32_t type;
    enum rts_file_system kind;
} known[] = {
    {0xef53, RTS_FILE_SYSTEM_LOCAL},     /* ext2, ext3, ext4 */
    {0x58465342, RTS_FILE_SYSTEM_LOCAL}, /* xfs */
    {0x9123683e, RTS_FILE_SYSTEM_LOCAL}, /* btrfs */
    {0x01021994, RTS_FILE_SYSTEM_LOCAL}, /* tmpfs */
    {0x858458f6, RTS_FILE_SYSTEM_LOCAL}, /* ramfs, the first root */
    {0x73717368, RTS_FILE_SYSTEM_LOCAL}, /* squashfs */
    {0xe0f5e1e2, RTS_FILE_SYSTEM_LOCAL}, /* erofs */
    {0xf2f52010, RTS_FILE_SYSTEM_LOCAL}, /* f2fs */
    {0xca451a4e, RTS_FILE_SYSTEM_LOCAL}, /* bcachefs */
    {0x2fc12fc1, RTS_FILE_SYSTEM_LOCAL}, /* zfs */
    {0x3153464a, RTS_FILE_SYSTEM_LOCAL}, /* jfs */
    {0x52654973, RTS_FILE_SYSTEM_LOCAL}, /* reiserfs */
    {0x3434, RTS_FILE_SYSTEM_LOCAL},     /* nilfs2 */
    {0x28cd3d45, RTS_FILE_SYSTEM_LOCAL}, /* cramfs */
    {0x7275, RTS_FILE_SYSTEM_LOCAL},     /* romfs */
    {0x72b6, RTS_FILE_SYSTEM_LOCAL},     /* jffs2 */
    {0x24051905, RTS_FILE_SYSTEM_LOCAL}, /* ubifs */
    {0x9660, RTS_FILE_SYSTEM_LOCAL},     /* iso9660 */
    {0x15013346, RTS_FILE_SYSTEM_LOCAL}, /* udf */
    {0x4d44, RTS_FILE_SYSTEM_LOCAL},     /* vfat */
    {0x2011bab0, RTS_FILE_SYSTEM_LOCAL}, /* exfat */
    {0x7366746e, RTS_FILE_SYSTEM_LOCAL}, /* ntfs3 */
    {0x958458f6, RTS_FILE_SYSTEM_LOCAL}, /* hugetlbfs */
    {0x9fa0, RTS_FILE_SYSTEM_DOORS},     /* procfs */
    {0x62656572, RTS_FILE_SYSTEM_DOORS}, /* sysfs */
    {0x74726163, RTS_FILE_SYSTEM_DOORS}, /* tracefs */
    {0x64626720, RTS_FILE_SYSTEM_DOORS}, /* debugfs */
    {0x73636673, RTS_FILE_SYSTEM_DOORS}, /* securityfs */
    {0x1cd1, RTS_FILE_SYSTEM_DOORS},     /* devpts */
    {0xcafe4a11, RTS_FILE_SYSTEM_DOORS}, /* bpf */
    {0x27e0eb, RTS_FILE_SYSTEM_DOORS},   /* cgroup */
    {0x63677270, RTS_FILE_SYSTEM_DOORS}, /* cgroup2 */
    {0x62656570, RTS_FILE_SYSTEM_DOORS}, /* configfs */
    {0x6165676c, RTS_FILE_SYSTEM_DOORS}, /* pstore */
    {0xde5e81e4, RTS_FILE_SYSTEM_DOORS}, /* efivarfs */
    {0xf97cff8c, RTS_FILE_SYSTEM_DOORS}, /* selinuxfs */
    {0x43415d53, RTS_FILE_SYSTEM_DOORS}, /* smackfs */
    {0x65735543, RTS_FILE_SYSTEM_DOORS}, /* the control files of FUSE */
    {0x19800202, RTS_FILE_SYSTEM_DOORS}, /* POSIX message queues */
    {0x7655821, RTS_FILE_SYSTEM_DOORS},  /* resctrl */
    {0x42494e4d, RTS_FILE_SYSTEM_DOORS}, /* binfmt_misc */
    {0x6e736673, RTS_FILE_SYSTEM_DOORS}, /* namespaces */
    {0x67596969, RTS_FILE_SYSTEM_DOORS}, /* rpc_pipefs */
    {0x6e667364, RTS_FILE_SYSTEM_DOORS}, /* nfsd */
};

#define OVERLAY 0x794c7630u

/* A host may have many containers, and each some mounts. */
#define MOUNTS_MAX 100000

/* Is the device that of an overlay in our own mount namespace, where only root can put one? */
static bool is_own_overlay(int fd)
{
    struct stat status;
    char line[8192], type[32];
    RTS_FCLOSE FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file || fstat(fd, &status) < 0)
        return false;
    for (int i = 0; i < MOUNTS_MAX && fgets(line, sizeof line, file); i++) {
        unsigned major, minor;
        const char *rest = strstr(line, " - ");
        if (rest && sscanf(line, "%*u %*u %u:%u", &major, &minor) == 2 &&
            makedev(major, minor) == status.st_dev && sscanf(rest, " - %31s", type) == 1 &&
            strcmp(type, "overlay") == 0)
            return true;
    }
    return false;
}

static enum rts_file_system kind_of(uint32_t type)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].type == type)
            return known[i].kind;
    return RTS_FILE_SYSTEM_WAITS;
}

enum rts_file_system rts_file_system_of(int fd)
{
    struct statfs info;
    if (fstatfs(fd, &info) < 0)
        return RTS_FILE_SYSTEM_WAITS;
    if ((uint32_t)info.f_type == OVERLAY)
        return is_own_overlay(fd) ? RTS_FILE_SYSTEM_LOCAL : RTS_FILE_SYSTEM_WAITS;
    return kind_of((uint32_t)info.f_type);
}

bool rts_file_is_plain(int fd)
{
    struct stat status;
    struct statfs info;
    return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
           fstatfs(fd, &info) == 0 && kind_of((uint32_t)info.f_type) != RTS_FILE_SYSTEM_DOORS;
}
