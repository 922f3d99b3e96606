/* SPDX-License-Identifier: Apache-2.0 */
#include "sealing/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITY_MAX 63

const char *rts_capability_word(unsigned number)
{
    /* In the order of linux/capability.h. */
    static const char *const words[] = {
        "chown",
        "dac_override",
        "dac_read_search",
        "fowner",
        "fsetid",
        "kill",
        "setgid",
        "setuid",
        "setpcap",
        "linux_immutable",
        "net_bind_service",
        "net_broadcast",
        "net_admin",
        "net_raw",
        "ipc_lock",
        "ipc_owner",
        "sys_module",
        "sys_rawio",
        "sys_chroot",
        "sys_ptrace",
        "sys_pacct",
        "sys_admin",
        "sys_boot",
        "sys_nice",
        "sys_resource",
        "sys_time",
        "sys_tty_config",
        "mknod",
        "lease",
        "audit_write",
        "audit_control",
        "setfcap",
        "mac_override",
        "mac_admin",
        "syslog",
        "wake_alarm",
        "block_suspend",
        "audit_read",
        "perfmon",
        "bpf",
        "checkpoint_restore",
    };
    return number < sizeof words / sizeof *words ? words[number] : NULL;
}

struct sets {
    uint64_t effective, permitted, inheritable;
};

/* The system calls themselves: libc has no function for them, and they are the thread's alone. */
static int get(struct sets *sets)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    *sets = (struct sets){0};
    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    sets->effective = (uint64_t)data[1].effective << 32 | data[0].effective;
    sets->permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    sets->inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
    return 0;
}

static int set(const struct sets *sets)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct data[2] = {
        {(uint32_t)sets->effective, (uint32_t)sets->permitted, (uint32_t)sets->inheritable},
        {(uint32_t)(sets->effective >> 32), (uint32_t)(sets->permitted >> 32),
         (uint32_t)(sets->inheritable >> 32)},
    };
    return (int)syscall(SYS_capset, &header, data);
}

uint64_t rts_capabilities_permitted(void)
{
    struct sets sets;
    get(&sets);
    return sets.permitted;
}

int rts_capabilities_use(uint64_t effective)
{
    struct sets sets;
    if (get(&sets) < 0)
        return -1;
    sets.effective = effective & sets.permitted;
    return set(&sets);
}

static void drop_bounding(uint64_t kept)
{
    for (unsigned long bit = 0; bit <= CAPABILITY_MAX; bit++)
        if (!(kept & 1ULL << bit) && prctl(PR_CAPBSET_READ, bit, 0, 0, 0) == 1 &&
            prctl(PR_CAPBSET_DROP, bit, 0, 0, 0) < 0)
            return; /* without CAP_SETPCAP none of them goes */
}

int rts_capabilities_keep(uint64_t kept, uint64_t at_rest)
{
    struct sets sets;
    if (get(&sets) < 0)
        return -1;
    drop_bounding(kept);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    sets = (struct sets){
        .effective = sets.effective & kept & ~at_rest,
        .permitted = sets.permitted & kept,
    };
    return set(&sets);
}
