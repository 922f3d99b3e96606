/* SPDX-License-Identifier: Apache-2.0 */
/* Children that are sealed as one of each kind and then try what they may not, and what they have
 * to be able to do. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../suite.h"
#include "sealing/seal.h"

/* Programs with the sanitizers are let through what those call. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* ---- attempts: 0 or an errno ---- */

static int done(long result)
{
    return result < 0 ? errno : 0;
}

static int open_to_read(void)
{
    return done(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int open_to_read_quickly(void)
{
    const uint64_t how[3] = {O_RDONLY};
    return done(syscall(437, AT_FDCWD, "/etc/passwd", how, sizeof how)); /* openat2 */
}

static int open_to_write(void)
{
    return done(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static int open_nameless(void)
{
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return fd < 0 && errno == EOPNOTSUPP ? 0 : done(fd);
}

static int open_folder(void)
{
    return done(open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int open_path(void)
{
    return done(open("/etc/passwd", O_PATH | O_CLOEXEC));
}

static int remove_file(void)
{
    return unlink("/tmp/there is no such file") < 0 && errno != ENOENT ? errno : 0;
}

static int local_socket(void)
{
    return done(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int internet_socket(void)
{
    return done(socket(AF_INET, SOCK_STREAM, 0));
}

static int packet_socket(void)
{
    return done(socket(AF_PACKET, SOCK_RAW, 0));
}

static int trace(void)
{
    return ptrace(PTRACE_SEIZE, INT_MAX, NULL, NULL) < 0 && errno != ESRCH ? errno : 0;
}

static int poke(void)
{
    return done(ptrace(PTRACE_POKEDATA, INT_MAX, NULL, NULL));
}

static int read_others(void)
{
    return process_vm_readv(getpid(), NULL, 0, NULL, 0, ULONG_MAX) < 0 && errno != EINVAL ? errno
                                                                                          : 0;
}

static int write_others(void)
{
    return done(process_vm_writev(getpid(), NULL, 0, NULL, 0, 0));
}

static int run_program(void)
{
    static char name[] = "true";
    char *argv[] = {name, NULL};
    execv("/bin/true", argv);
    return errno;
}

static int have_child(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0 && waitpid(child, NULL, 0) == child ? 0 : errno;
}

static int open_event(void)
{
    return syscall(SYS_perf_event_open, NULL, 0, -1, -1, ULONG_MAX) < 0 && errno == ENOSYS ? errno
                                                                                           : 0;
}

static int mount_nothing(void)
{
    return done(syscall(SYS_mount, NULL, NULL, NULL, 0, NULL));
}

static int load_bpf(void)
{
    return done(syscall(SYS_bpf, INT_MAX, NULL, 0));
}

static int leave_namespaces(void)
{
    return done(syscall(SYS_unshare, 0));
}

static int enter_namespace(void)
{
    return syscall(SYS_setns, -1, 0) < 0 && errno != EBADF ? errno : 0;
}

static int take_ids(void)
{
    syscall(SYS_setfsuid, -1);
    syscall(SYS_setfsgid, -1);
    return 0;
}

static int become_other(void)
{
    return done(syscall(SYS_setresuid, -1, -1, -1));
}

static int become_other_in_effect(void)
{
    return done(syscall(SYS_setresuid, -1, geteuid(), -1));
}

static int change_root(void)
{
    return syscall(SYS_chroot, NULL) < 0 && errno != EFAULT && errno != EPERM ? errno : 0;
}

static int open_queue(void)
{
    return done(syscall(425, 1, NULL)); /* io_uring_setup */
}

static int take_fd(void)
{
    return done(syscall(438, -1, 0, 0)); /* pidfd_getfd */
}

static int load_kernel(void)
{
    return done(syscall(SYS_kexec_load, 0, 0, NULL, 0));
}

static int type_into_terminal(void)
{
    char byte = '\n';
    return done(ioctl(0, TIOCSTI, &byte));
}

static int map_code(void)
{
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return code == MAP_FAILED ? errno : 0;
}

static int unknown_call(void)
{
    return done(syscall(4000));
}

static void *nothing(void *argument)
{
    return argument;
}

/* What every kind goes on doing: memory, files that are open, time, threads. */
static int live(void)
{
    int ends[2];
    char byte;
    pthread_t thread;
    struct rusage usage;
    char *memory = malloc((size_t)64 << 20);
    if (!memory)
        return ENOMEM;
    memset(memory, 1, (size_t)64 << 20);
    free(memory);
    if (pipe2(ends, O_CLOEXEC) < 0 || write(ends[1], "", 1) != 1 || read(ends[0], &byte, 1) != 1 ||
        fcntl(ends[0], F_GETFD) < 0 || getrusage(RUSAGE_SELF, &usage) < 0)
        return errno;
    usleep(1000);
    int failure = pthread_create(&thread, NULL, nothing, NULL);
    return failure ? failure : pthread_join(thread, NULL);
}

/* ---- who may what ---- */

#define KIND(kind) (1u << RTS_SEAL_##kind)
#define ALL        ((1u << RTS_SEAL_KINDS) - 1)
#define WRITERS    (ALL & ~KIND(NEAR_READER))
#define OPENERS    (WRITERS & ~KIND(MAIN))
#define CHANGERS   (WRITERS & ~(READERS | KIND(TRACER) | KIND(MEMORY_READER)))
#define READERS    (KIND(BROKER) | KIND(KEEPER))
#define NETWORK    (KIND(DELIVERY) | KIND(SEND))

/* Those beyond it that may when the run needs it. */
#define NEED(need) RTS_SEAL_NEED_##need

static const struct attempt {
    const char *name;
    int (*make)(void);
    unsigned kinds;  /* that may */
    unsigned needs;  /* main may with any of these */
    bool fatal;      /* for the others; else it fails with ENOSYS */
    bool sanitizers; /* they make it: nobody is kept from it */
} attempts[] = {
    {"live", live, ALL, 0, false, false},
    {"open to read", open_to_read, OPENERS, NEED(PTRACE) | NEED(GROUP), false, true},
    {"openat2", open_to_read_quickly, OPENERS, NEED(PTRACE) | NEED(GROUP), true, false},
    {"open to write", open_to_write, WRITERS, 0, true, true},
    {"open nameless", open_nameless, WRITERS, 0, true, true},
    {"open folder", open_folder, WRITERS, 0, true, true},
    {"open path", open_path, WRITERS, 0, true, true},
    {"unlink", remove_file, CHANGERS, 0, false, false},
    {"AF_UNIX", local_socket, NETWORK | KIND(KEEPER), NEED(NOTIFY), true, false},
    {"AF_INET", internet_socket, NETWORK, 0, true, false},
    {"AF_PACKET", packet_socket, 0, 0, true, false},
    {"ptrace", trace, KIND(TRACER), NEED(PTRACE), true, true},
    {"ptrace to write", poke, 0, 0, true, true},
    {"process_vm_readv", read_others,
     KIND(TRACER) | KIND(MEMORY_READER) | KIND(NEAR_READER) | READERS, NEED(PTRACE), true, false},
    {"process_vm_writev", write_others, 0, 0, true, false},
    {"execve", run_program, KIND(RPM_STARTER), 0, true, false},
    {"fork", have_child, KIND(MAIN) | KIND(RPM_STARTER) | KIND(KEEPER), 0, false, true},
    {"perf_event_open", open_event, KIND(MAIN), 0, true, false},
    {"mount", mount_nothing, 0, 0, true, false},
    {"bpf", load_bpf, 0, 0, true, false},
    {"unshare", leave_namespaces, 0, 0, true, false},
    {"setns", enter_namespace, 0, 0, true, false},
    {"setfsuid", take_ids, READERS | KIND(RPM_STARTER), 0, true, false},
    {"real uid", become_other, KIND(RPM_STARTER) | KIND(KEEPER), 0, true, false},
    {"effective uid", become_other_in_effect, KIND(RPM_STARTER), 0, true, false},
    {"chroot", change_root, KIND(RPM_STARTER), 0, true, false},
    {"io_uring_setup", open_queue, 0, 0, true, false},
    {"pidfd_getfd", take_fd, 0, 0, true, false},
    {"kexec_load", load_kernel, 0, 0, true, false},
    {"TIOCSTI", type_into_terminal, 0, 0, true, false},
    {"map code", map_code,
     KIND(DELIVERY) | KIND(PACKER) | KIND(RPM_STARTER) | KIND(RPM_READER) | KIND(REPLAY) |
         KIND(SEND),
     0, false, true},
    {"a call of later days", unknown_call, 0, 0, false, false},
};

/* Of a child that was sealed and made the attempt: 0 or its errno; -signal when it was ended by
 * one; -1000 when there is no filter here. */
static int outcome(enum rts_seal_kind kind, unsigned needs, const struct attempt *attempt)
{
    pid_t child = fork();
    if (child == 0) {
        struct rts_sealed sealed;
        signal(SIGALRM, SIG_DFL);
        alarm(20);
        rts_seal(kind, needs, &sealed);
        if (sealed.filter != 0)
            _exit(255);
        _exit(attempt->make());
    }
    int status;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        return -WTERMSIG(status);
    return WEXITSTATUS(status) == 255 ? -1000 : WEXITSTATUS(status);
}

static bool no_filters(void)
{
    return outcome(RTS_SEAL_MAIN, 0, &attempts[0]) == -1000;
}

static void expect(enum rts_seal_kind kind, unsigned needs, const struct attempt *attempt)
{
    bool may = attempt->kinds & 1u << kind || (kind == RTS_SEAL_MAIN && attempt->needs & needs) ||
               (SANITIZED && attempt->sanitizers);
    /* Main opens what it writes, so that openat() by itself is nothing that ends it; of those that
     * open nothing at all it does. */
    bool fatal = attempt->fatal || (attempt->kinds == OPENERS && kind != RTS_SEAL_MAIN);
    /* The keeper may make this call with other arguments. */
    if (kind == RTS_SEAL_KEEPER && attempt->make == become_other_in_effect)
        fatal = false;
    int wanted = may ? 0 : fatal ? -SIGSYS : ENOSYS;
    int found = outcome(kind, needs, attempt);
    if (SANITIZED && attempt->sanitizers)
        return;
    if (found != wanted)
        fail_msg("%s as %s with needs %u: %d instead of %d", attempt->name,
                 rts_seal_kind_word(kind), needs, found, wanted);
}

static void test_every_kind(void **state)
{
    (void)state;
    if (no_filters())
        skip();
    for (unsigned kind = 0; kind < RTS_SEAL_KINDS; kind++)
        for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
            expect((enum rts_seal_kind)kind, 0, &attempts[i]);
}

static void test_needs(void **state)
{
    (void)state;
    static const unsigned needs[] = {NEED(PTRACE), NEED(GROUP), NEED(NOTIFY), NEED(FILES),
                                     NEED(PTRACE) | NEED(NOTIFY) | NEED(FILES)};
    if (no_filters())
        skip();
    for (size_t n = 0; n < sizeof needs / sizeof *needs; n++)
        for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
            expect(RTS_SEAL_MAIN, needs[n], &attempts[i]);
}

/* A thread that seals itself leaves the others as they are. */
static void *seal_as_delivery(void *argument)
{
    rts_seal(RTS_SEAL_DELIVERY, 0, argument);
    return NULL;
}

static void test_threads_alone(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        struct rts_sealed sealed;
        if (pthread_create(&thread, NULL, seal_as_delivery, &sealed) != 0)
            _exit(1);
        pthread_join(thread, NULL);
        _exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0
                  ? run_program()
                  : 2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Sealed again, as what rtsample-rpm is to us: less, never more. */
static int again(void)
{
    struct rts_sealed sealed;
    rts_seal(RTS_SEAL_RPM_READER, 0, &sealed);
    if (sealed.filter || sealed.privileges || sealed.capabilities)
        return EINVAL;
    return run_program();
}

static void test_twice(void **state)
{
    (void)state;
    const struct attempt attempt = {.name = "twice", .make = again};
    if (no_filters())
        skip();
    assert_int_equal(outcome(RTS_SEAL_RPM_STARTER, 0, &attempt), -SIGSYS);
}

/* No new privileges, and no core, whether or not there is a filter. */
static void test_rest(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < RTS_SEAL_KINDS; kind++) {
        pid_t child = fork();
        if (child == 0) {
            struct rts_sealed sealed;
            struct rlimit core;
            rts_seal((enum rts_seal_kind)kind, 0, &sealed);
            getrlimit(RLIMIT_CORE, &core);
            _exit(sealed.privileges || sealed.capabilities || core.rlim_max != 0 ||
                  prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),    cmocka_unit_test(test_needs),
        cmocka_unit_test(test_threads_alone), cmocka_unit_test(test_twice),
        cmocka_unit_test(test_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
