/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets that are hard on whoever traces them. Says "ready", computes, and
 *
 *     fuse DIR         has its stack in a file of a FUSE that never answers a read
 *     uffd             has it where page faults wait for somebody who does not come (userfaultfd)
 *     exec DIR         executes a program of such a FUSE, with one thread, for ever
 *     births           forks and executes all the time, with other threads around
 *     stops            is stopped by SIGSTOP, and continued, all the time
 *     threads N        has N threads that sleep
 *
 * Exit status 77: it cannot be had here.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (1u << 20)

static void not_here(const char *what)
{
    perror(what);
    exit(77);
}

static void say_ready(void)
{
    puts("ready");
    fflush(stdout);
}

static void *spin(void *nothing)
{
    (void)nothing;
    for (volatile unsigned long turns = 0;; turns++)
        ;
    return NULL;
}

static void *sleep_on(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}

/* Moves the stack there and computes, without touching it. */
static void spin_on(char *stack)
{
#if defined __x86_64__
    __asm__ volatile("mov %0, %%rsp\n1: jmp 1b" ::"r"(stack));
#elif defined __aarch64__
    __asm__ volatile("mov sp, %0\n1: b 1b" ::"r"(stack));
#else
    not_here("this architecture");
#endif
}

/* ---- a FUSE without a library ---- */

static int mount_fuse(const char *folder)
{
    int ends[2], fd = -1;
    char number[16], byte, control[CMSG_SPACE(sizeof fd)];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        not_here("socketpair");
    pid_t child = fork();
    if (child == 0) {
        snprintf(number, sizeof number, "%d", ends[1]);
        setenv("_FUSE_COMMFD", number, 1);
        execlp("fusermount3", "fusermount3", "--", folder, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    struct iovec one = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &one,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    if (recvmsg(ends[0], &message, 0) > 0 && CMSG_FIRSTHDR(&message))
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    waitpid(child, NULL, 0);
    if (fd < 0)
        not_here("fusermount3");
    return fd;
}

static void answer(int fd, uint64_t unique, int error, const void *body, size_t size)
{
    char text[512];
    struct fuse_out_header head = {(uint32_t)(sizeof head + size), error, unique};
    memcpy(text, &head, sizeof head);
    if (size > 0)
        memcpy(text + sizeof head, body, size);
    if (write(fd, text, sizeof head + size) < 0)
        return;
}

static struct fuse_attr attributes(uint64_t inode)
{
    return (struct fuse_attr){
        .ino = inode,
        .mode = inode == 1 ? 040755 : 0100755,
        .nlink = 1,
        .size = inode == 1 ? 0 : SIZE,
        .blksize = 4096,
    };
}

/* Answers everything but a read. */
static void serve(int fd)
{
    static char text[SIZE];
    for (ssize_t size; (size = read(fd, text, sizeof text)) > 0;) {
        const struct fuse_in_header *head = (const void *)text;
        struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = 65536};
        struct fuse_entry_out entry = {
            .nodeid = 2, .attr = attributes(2), .entry_valid = 1000, .attr_valid = 1000};
        struct fuse_attr_out status = {.attr_valid = 1000, .attr = attributes(head->nodeid)};
        struct fuse_open_out opened = {.fh = 1};
        switch (head->opcode) {
        case FUSE_INIT: answer(fd, head->unique, 0, &init, sizeof init); break;
        case FUSE_LOOKUP: answer(fd, head->unique, 0, &entry, sizeof entry); break;
        case FUSE_GETATTR: answer(fd, head->unique, 0, &status, sizeof status); break;
        case FUSE_OPEN: answer(fd, head->unique, 0, &opened, sizeof opened); break;
        case FUSE_READ:
        case FUSE_FORGET:
        case FUSE_INTERRUPT:
        case FUSE_BATCH_FORGET: break;
        default: answer(fd, head->unique, -38, NULL, 0);
        }
    }
    _exit(0);
}

/* Mounts it there; path is that of its file. */
static void begin_fuse(const char *folder, char *path, size_t room)
{
    int fd = mount_fuse(folder);
    if (fork() == 0)
        serve(fd);
    close(fd);
    snprintf(path, room, "%s/f", folder);
}

/* ---- what it does ---- */

static void stack_in_fuse(const char *folder)
{
    char path[4096];
    begin_fuse(folder, path, sizeof path);
    int file = open(path, O_RDONLY);
    char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (file < 0 || map == MAP_FAILED)
        not_here(path);
    say_ready();
    spin_on(map + SIZE / 2);
}

static void stack_in_uffd(void)
{
    struct uffdio_api api = {.api = UFFD_API};
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
    char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register range = {.range = {(uintptr_t)map, SIZE},
                                    .mode = UFFDIO_REGISTER_MODE_MISSING};
    if (fd < 0 || map == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) < 0 ||
        ioctl(fd, UFFDIO_REGISTER, &range) < 0)
        not_here("userfaultfd");
    say_ready();
    spin_on(map + SIZE / 2);
}

static void execute_fuse(const char *folder)
{
    char path[4096];
    pthread_t thread;
    begin_fuse(folder, path, sizeof path);
    pthread_create(&thread, NULL, spin, NULL);
    say_ready();
    execl(path, path, (char *)NULL);
    not_here(path);
}

static void births(void)
{
    pthread_t thread;
    say_ready();
    for (;;) {
        pid_t child = fork();
        if (child == 0) {
            /* Its other threads are killed by that, wherever they are. */
            for (int i = 0; i < 3; i++)
                pthread_create(&thread, NULL, spin, NULL);
            for (volatile unsigned long turns = 0; turns < 20000000; turns++)
                ;
            execlp("true", "true", (char *)NULL);
            _exit(1);
        }
        waitpid(child, NULL, 0);
    }
}

static void stops(void)
{
    pid_t self = getpid();
    if (fork() == 0)
        while (getppid() == self && kill(self, SIGSTOP) == 0) {
            usleep(3000);
            kill(self, SIGCONT);
            usleep(3000);
        }
    say_ready();
    spin(NULL);
}

static void have_threads(int count)
{
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    for (int i = 0; i < count; i++)
        if (pthread_create(&thread, &small, sleep_on, NULL) != 0)
            not_here("pthread_create");
    say_ready();
    spin(NULL);
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "", *word = count > 2 ? words[2] : "";
    if (strcmp(what, "fuse") == 0)
        stack_in_fuse(word);
    else if (strcmp(what, "uffd") == 0)
        stack_in_uffd();
    else if (strcmp(what, "exec") == 0)
        execute_fuse(word);
    else if (strcmp(what, "births") == 0)
        births();
    else if (strcmp(what, "stops") == 0)
        stops();
    else if (strcmp(what, "threads") == 0)
        have_threads(atoi(word));
    return 2;
}
