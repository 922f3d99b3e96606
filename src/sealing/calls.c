/* SPDX-License-Identifier: Apache-2.0 */
#include "sealing/calls.h"

#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include "sealing/kinds.h"

#define BASIC      RTS_CALLS_BASIC
#define OPEN       RTS_CALLS_OPEN
#define OPEN_WRITE RTS_CALLS_OPEN_WRITE
#define CHANGE     RTS_CALLS_CHANGE
#define LOAD       RTS_CALLS_LOAD
#define FORK       RTS_CALLS_FORK
#define EXECUTE    RTS_CALLS_EXECUTE
#define LOCAL      RTS_CALLS_LOCAL
#define NETWORK    RTS_CALLS_NETWORK
#define PERF       RTS_CALLS_PERF
#define TRACE      RTS_CALLS_TRACE
#define IDS        RTS_CALLS_IDS
#define BECOME     RTS_CALLS_BECOME
#define MEMORY     RTS_CALLS_MEMORY
#define DISOWN     RTS_CALLS_DISOWN

#define NEW_NAMESPACES                                                                             \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

/* ---- calls that are let through whatever their arguments are ---- */

static const char *const basic[] = {
    /* memory */
    "brk",
    "madvise",
    "membarrier",
    "memfd_create",
    "mincore",
    "mlock",
    "mremap",
    "msync",
    "munlock",
    "munmap",
    /* what is open */
    "close",
    "close_range",
    "copy_file_range",
    "dup",
    "dup2",
    "dup3",
    "fadvise64",
    "fallocate",
    "fcntl",
    "fdatasync",
    "flock",
    "fsync",
    "fstat",
    "fstatfs",
    "ftruncate",
    "getdents",
    "getdents64",
    "lseek",
    "pread64",
    "preadv",
    "preadv2",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readv",
    "sendfile",
    "splice",
    "sync_file_range",
    "write",
    "writev",
    "fgetxattr",
    /* what there is */
    "access",
    "faccessat",
    "faccessat2",
    "getcwd",
    "getxattr",
    "lgetxattr",
    "lstat",
    "newfstatat",
    "readlink",
    "readlinkat",
    "stat",
    "statfs",
    "statx",
    /* waiting */
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd",
    "eventfd2",
    "inotify_add_watch",
    "inotify_init1",
    "inotify_rm_watch",
    "pipe",
    "pipe2",
    "poll",
    "ppoll",
    "pselect6",
    "select",
    "signalfd",
    "signalfd4",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_settime",
    /* what came by a socket that is open */
    "getpeername",
    "getsockname",
    "getsockopt",
    "recvfrom",
    "recvmsg",
    "sendmsg",
    "sendto",
    "shutdown",
    /* time */
    "alarm",
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "getitimer",
    "gettimeofday",
    "nanosleep",
    "setitimer",
    "time",
    "timer_create",
    "timer_delete",
    "timer_getoverrun",
    "timer_gettime",
    "timer_settime",
    "times",
    /* threads */
    "arch_prctl",
    "exit",
    "exit_group",
    "futex",
    "futex_requeue",
    "futex_wait",
    "futex_waitv",
    "futex_wake",
    "get_robust_list",
    "getcpu",
    "gettid",
    "rseq",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getaffinity",
    "sched_getattr",
    "sched_getparam",
    "sched_getscheduler",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setscheduler",
    "sched_yield",
    "setpriority",
    "set_robust_list",
    "set_tid_address",
    "tgkill",
    /* signals of our own */
    "restart_syscall",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "sigaltstack",
    /* who we are; less can be had at any time */
    "capget",
    "capset",
    "getegid",
    "geteuid",
    "getgid",
    "getgroups",
    "getpgid",
    "getpgrp",
    "getpid",
    "getppid",
    "getpriority",
    "getrandom",
    "getresgid",
    "getresuid",
    "getrlimit",
    "getrusage",
    "getsid",
    "getuid",
    "prctl",
    "prlimit64",
    "seccomp",
    "setrlimit",
    "sysinfo",
    "umask",
    "uname",
    "wait4",
    "waitid",
};

static const char *const opening[] = {"open", "openat", "openat2", "creat", "chdir", "fchdir"};

static const char *const changing[] = {
    "chmod",    "fchmod", "fchmodat", "fchmodat2", "link",      "linkat",    "mkdir",   "mkdirat",
    "rename",   "rmdir",  "renameat", "renameat2", "truncate",  "unlink",    "symlink", "symlinkat",
    "unlinkat", "utime",  "utimes",   "utimensat", "futimesat", "fsetxattr",
};

static const char *const loading[] = {"mmap", "mprotect", "pkey_mprotect"};

static const char *const forking[] = {"fork",    "vfork", "kill", "pidfd_open", "pidfd_send_signal",
                                      "setpgid", "setsid"};

static const char *const executing[] = {"execve", "execveat"};

static const char *const local_sockets[] = {"connect",    "bind",     "setsockopt",
                                            "socketpair", "recvmmsg", "sendmmsg"};

static const char *const reading_memory[] = {"process_vm_readv"};

static const char *const ids[] = {
    "chown",  "chroot",    "fchown",   "fchownat",  "lchown",    "setfsgid", "setfsuid",
    "setgid", "setgroups", "setregid", "setresgid", "setresuid", "setreuid", "setuid",
};

static const char *const becoming[] = {"setfsgid", "setfsuid", "setgroups"};

static const char *const events[] = {"perf_event_open"};

static const struct {
    unsigned calls;
    const char *const *names;
    size_t count;
} groups[] = {
#define GROUP(calls, names)                                                                        \
    {                                                                                              \
        calls, names, sizeof names / sizeof *names                                                 \
    }
    GROUP(BASIC, basic),           GROUP(OPEN, opening),
    GROUP(CHANGE, changing),       GROUP(LOAD, loading),
    GROUP(FORK, forking),          GROUP(EXECUTE, executing),
    GROUP(LOCAL, local_sockets),   GROUP(NETWORK, local_sockets),
    GROUP(MEMORY, reading_memory), GROUP(IDS, ids),
    GROUP(BECOME, becoming),       GROUP(PERF, events),
#undef GROUP
};

/* ---- calls by their arguments, for those that keep any of the groups ---- */

#define IF(name, calls, argument, mask, value)                                                     \
    {                                                                                              \
        name, calls, RTS_CALL_EQUAL, argument, mask, value, false                                  \
    }
#define NEVER_IF(name, calls, argument, mask, value)                                               \
    {                                                                                              \
        name, calls, RTS_CALL_EQUAL, argument, mask, value, true                                   \
    }

static const struct rts_call by_argument[] = {
    /* Threads, and children; clone3(), whose flags cannot be seen, is not there, and libc does
     * without it. */
    IF("clone", BASIC, 0, CLONE_THREAD | NEW_NAMESPACES, CLONE_THREAD),
    IF("clone", FORK, 0, CLONE_THREAD | NEW_NAMESPACES, 0),
    IF("mmap", BASIC, 2, PROT_EXEC, 0),
    IF("mprotect", BASIC, 2, PROT_EXEC, 0),
    /* Input for the terminal that we were started from. */
    {"ioctl", BASIC, RTS_CALL_OTHER, 1, 0, TIOCSTI, false},
    NEVER_IF("ioctl", BASIC, 1, UINT32_MAX, TIOCSTI),

    /* Who opens a file to read it is refused, and not ended: libc does so now and then by itself,
     * to count the CPUs, and does without. */
    IF("openat", OPEN_WRITE, 2, O_CREAT, O_CREAT),
    IF("openat", OPEN_WRITE, 2, O_ACCMODE | O_CREAT, O_WRONLY),
    IF("openat", OPEN_WRITE, 2, O_DIRECTORY, O_DIRECTORY), /* O_TMPFILE has it, too */
    IF("openat", OPEN_WRITE, 2, O_PATH, O_PATH),

    IF("socket", LOCAL | NETWORK, 0, UINT32_MAX, AF_UNIX),
    IF("socket", NETWORK, 0, UINT32_MAX, AF_INET),
    IF("socket", NETWORK, 0, UINT32_MAX, AF_INET6),
    IF("socket", NETWORK, 0, UINT32_MAX, AF_NETLINK), /* which addresses we have */
    NEVER_IF("socket", LOCAL, 0, UINT32_MAX, AF_INET),
    NEVER_IF("socket", LOCAL, 0, UINT32_MAX, AF_INET6),
    NEVER_IF("socket", LOCAL, 0, UINT32_MAX, AF_NETLINK),
    NEVER_IF("socket", LOCAL | NETWORK, 0, UINT32_MAX, AF_PACKET),
    NEVER_IF("socket", LOCAL | NETWORK, 0, UINT32_MAX, AF_ALG),

    /* The real user is for what is counted, the effective one for what may be done. */
    IF("setresuid", DISOWN, 1, UINT32_MAX, UINT32_MAX),

    /* The target is as we found it. */
    IF("ptrace", TRACE, 0, UINT32_MAX, PTRACE_SEIZE),
    IF("ptrace", TRACE, 0, UINT32_MAX, PTRACE_INTERRUPT),
    IF("ptrace", TRACE, 0, UINT32_MAX, PTRACE_GETREGSET),
    IF("ptrace", TRACE, 0, UINT32_MAX, PTRACE_DETACH),
    NEVER_IF("ptrace", TRACE, 0, UINT32_MAX, PTRACE_ATTACH),
    NEVER_IF("ptrace", TRACE, 0, UINT32_MAX, PTRACE_POKETEXT),
    NEVER_IF("ptrace", TRACE, 0, UINT32_MAX, PTRACE_POKEDATA),
    NEVER_IF("ptrace", TRACE, 0, UINT32_MAX, PTRACE_POKEUSER),
    NEVER_IF("ptrace", TRACE, 0, UINT32_MAX, PTRACE_SETREGSET),
};

/* ---- calls that end the process unless a group has them ---- */

static const char *const dangerous[] = {
    "accept",
    "accept4",
    "acct",
    "add_key",
    "adjtimex",
    "bind",
    "bpf",
    "chroot",
    "clock_adjtime",
    "clock_settime",
    "connect",
    "creat",
    "delete_module",
    "execve",
    "execveat",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "listen",
    "lookup_dcookie",
    "mknod",
    "mknodat",
    "modify_ldt",
    "mount",
    "mount_setattr",
    "move_mount",
    "name_to_handle_at",
    "open",
    "open_by_handle_at",
    "open_tree",
    "openat",
    "openat2",
    "perf_event_open",
    "personality",
    "pidfd_getfd",
    "pivot_root",
    "process_madvise",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "quotactl",
    "reboot",
    "request_key",
    "setdomainname",
    "setfsgid",
    "setfsuid",
    "setgid",
    "setgroups",
    "sethostname",
    "setns",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "settimeofday",
    "setuid",
    "socket",
    "swapoff",
    "swapon",
    "syslog",
    "umount2",
    "unshare",
    "userfaultfd",
    "vhangup",
};

#define NAMES_MAX (sizeof groups / sizeof *groups)
#define ARGUMENTS (unsigned)(sizeof by_argument / sizeof *by_argument)
#define DANGEROUS (unsigned)(sizeof dangerous / sizeof *dangerous)

/* Is there any rule that lets it through? */
static bool is_kept(unsigned calls, const char *name)
{
    for (size_t i = 0; i < NAMES_MAX; i++)
        for (size_t j = 0; (calls & groups[i].calls) && j < groups[i].count; j++)
            if (strcmp(groups[i].names[j], name) == 0)
                return true;
    for (size_t i = 0; i < ARGUMENTS; i++)
        if (calls & by_argument[i].calls && !by_argument[i].fatal &&
            strcmp(by_argument[i].name, name) == 0)
            return true;
    return false;
}

/* Is it let through whatever its arguments are? Then the rules by arguments say nothing. */
static bool is_whole(unsigned calls, const char *name)
{
    for (size_t i = 0; i < NAMES_MAX; i++)
        for (size_t j = 0; (calls & groups[i].calls) && j < groups[i].count; j++)
            if (strcmp(groups[i].names[j], name) == 0)
                return true;
    return false;
}

/* Does another group that is kept let the same through that this one forbids? */
static bool is_permitted(unsigned calls, const struct rts_call *rule)
{
    for (size_t i = 0; rule->fatal && i < ARGUMENTS; i++) {
        const struct rts_call *other = &by_argument[i];
        if (!other->fatal && calls & other->calls && strcmp(other->name, rule->name) == 0 &&
            other->argument == rule->argument && other->mask == rule->mask &&
            other->value == rule->value)
            return true;
    }
    return false;
}

/* The rule with this number, of all that there are; false: it is not for somebody with `calls`. */
static bool rule_at(unsigned calls, unsigned number, struct rts_call *rule, bool *over)
{
    for (size_t i = 0; i < NAMES_MAX; i++) {
        if (number < groups[i].count) {
            *rule = (struct rts_call){.name = groups[i].names[number]};
            return calls & groups[i].calls;
        }
        number -= (unsigned)groups[i].count;
    }
    if (number < ARGUMENTS) {
        *rule = by_argument[number];
        return calls & rule->calls && !is_whole(calls, rule->name) && !is_permitted(calls, rule);
    }
    number -= ARGUMENTS;
    *over = number >= DANGEROUS;
    if (*over)
        return false;
    *rule = (struct rts_call){.name = dangerous[number], .fatal = true};
    return !is_kept(calls, rule->name);
}

bool rts_call_next(unsigned calls, unsigned *position, struct rts_call *rule)
{
    for (bool over = false; !over;)
        if (rule_at(calls, (*position)++, rule, &over))
            return true;
    return false;
}
