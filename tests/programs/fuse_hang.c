/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that whoever looks at it has to wait for. It serves a file system of its own (FUSE),
 * has a file of that mapped, and from then on answers no more. It spins in the meantime.
 *
 * fuse_hang lock FOLDER: one thread holds the lock of the address space: it takes a mapping away
 * whose pages are written back then, which is never answered.
 *
 * fuse_hang code FOLDER: it spins in code that is mapped from there; opening it again hangs.
 *
 * fuse_hang slow FOLDER: it runs through the code of many files from there; opening one again takes
 * less than anybody gives up after, each time. Root mounts it for all, and goes on as nobody.
 *
 * fuse_hang turns FOLDER: as slow, with the lock of the address space: it is held for as long,
 * again and again, while it runs through the code of many other files.
 *
 * Root mounts by itself, others have fusermount3.
 *
 * BUILD fuse_hang: $CC -O1 -pthread -o $OUT $SRC
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "program.h"

#define FILE_NODE 2 /* the first of the files */
#define FILE_SIZE (64 * 4096)

#define CODE_FILES  60
#define A_WHILE_US  400000
#define NOBODY_USER 65534
#define LIFE        600 /* seconds: on a busy machine it takes long until one was waited for so often */

enum {
    NEVER = 1, /* it answers no more */
    SLOWLY     /* what opens or writes a file is answered after a while */
};

static char content[FILE_SIZE];
static volatile int *quiet; /* shared with the server: one of these, or 0 */

/* ---- the server ---- */

static void answer(int device, uint64_t unique, int error, const void *data, size_t size)
{
    static char bytes[FILE_SIZE + 4096];
    const struct fuse_out_header header = {(uint32_t)(sizeof header + size), -error, unique};
    memcpy(bytes, &header, sizeof header);
    if (size > 0)
        memcpy(bytes + sizeof header, data, size);
    if (write(device, bytes, header.len) < 0 && errno != ENOENT)
        _exit(1);
}

static struct fuse_attr attributes(uint64_t node)
{
    struct fuse_attr attr = {.ino = node, .nlink = 1, .blksize = 4096, .uid = getuid()};
    attr.mode = node >= FILE_NODE ? S_IFREG | 0755 : S_IFDIR | 0755;
    attr.size = node >= FILE_NODE ? FILE_SIZE : 0;
    return attr;
}

/* "file" and "file0" are the first. */
static uint64_t node_of(const char *name)
{
    return FILE_NODE + strtoul(name + strlen("file"), NULL, 10);
}

static void serve_one(int device, const struct fuse_in_header *in)
{
    const struct fuse_read_in *reading = (const void *)(in + 1);
    struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = 65536};
    struct fuse_entry_out entry = {0};
    struct fuse_attr_out attr = {.attr = attributes(in->nodeid)};
    struct fuse_open_out opened = {.fh = 1};
    struct fuse_write_out written = {0};
    size_t size;
    switch (in->opcode) {
    case FUSE_INIT: answer(device, in->unique, 0, &init, sizeof init); return;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: return;
    case FUSE_WRITE:
        if (*quiet != SLOWLY)
            return;
        usleep(A_WHILE_US);
        written.size = ((const struct fuse_write_in *)(const void *)(in + 1))->size;
        answer(device, in->unique, 0, &written, sizeof written);
        return;
    default: break;
    }
    if (*quiet == NEVER)
        return;
    switch (in->opcode) {
    case FUSE_LOOKUP:
        entry.nodeid = node_of((const char *)(in + 1));
        entry.attr = attributes(entry.nodeid);
        answer(device, in->unique, 0, &entry, sizeof entry);
        break;
    case FUSE_GETATTR: answer(device, in->unique, 0, &attr, sizeof attr); break;
    case FUSE_OPEN:
        if (*quiet == SLOWLY)
            usleep(A_WHILE_US);
        answer(device, in->unique, 0, &opened, sizeof opened);
        break;
    case FUSE_OPENDIR: answer(device, in->unique, 0, &opened, sizeof opened); break;
    case FUSE_READ:
        size = reading->offset < FILE_SIZE ? FILE_SIZE - reading->offset : 0;
        size = reading->size < size ? reading->size : size;
        answer(device, in->unique, 0, content + reading->offset, size);
        break;
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR: answer(device, in->unique, 0, NULL, 0); break;
    default: answer(device, in->unique, ENOSYS, NULL, 0);
    }
}

static void serve(int device)
{
    static char request[FILE_SIZE + 65536];
    for (;;) {
        ssize_t size = read(device, request, sizeof request);
        if (size >= (ssize_t)sizeof(struct fuse_in_header))
            serve_one(device, (const struct fuse_in_header *)(const void *)request);
        else if (size < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
            _exit(0); /* the file system is gone */
    }
}

/* ---- mounting ---- */

static int mount_as_root(const char *folder, const char *more)
{
    char options[128];
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0)
        return -1;
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0%s", device, more);
    return mount("hang", folder, "fuse", 0, options) == 0 ? device : -1;
}

/* fusermount3 mounts, and hands the descriptor over a socket. */
static int mount_as_user(const char *folder)
{
    int ends[2], device = -1;
    char byte, number[16], control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        return -1;
    snprintf(number, sizeof number, "%d", ends[0]);
    setenv("_FUSE_COMMFD", number, 1);
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        execlp("fusermount3", "fusermount3", "-o", "fsname=hang", "--", folder, (char *)NULL);
        _exit(1);
    }
    close(ends[0]);
    ssize_t got = recvmsg(ends[1], &message, 0);
    const struct cmsghdr *rights = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (rights)
        memcpy(&device, CMSG_DATA(rights), sizeof device);
    waitpid(child, NULL, 0);
    return device;
}

/* ---- what hangs ---- */

static void *spin(void *unused)
{
    while (!program_stop)
        program_counter++;
    return unused;
}

static void *take_away(void *mapped)
{
    munmap(mapped, FILE_SIZE);
    return NULL;
}

/* Waits behind the one who holds it, after which nobody gets the lock to read either. */
static void *map_more(void *unused)
{
    usleep(200000);
    mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return unused;
}

static void hold_lock(int file)
{
    pthread_t threads[3];
    char *mapped = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED)
        _exit(77);
    mapped[0] = 1; /* the file stays open: to close it would write this back, and hang */
    /* Whoever is to say something later may have to fault a page in, and hang as well. */
    program_ready();
    pthread_create(&threads[0], NULL, spin, NULL);
    pthread_create(&threads[1], NULL, take_away, mapped);
    pthread_create(&threads[2], NULL, map_more, NULL);
    usleep(600000);
    *quiet = NEVER;
    for (;;)
        pause();
}

static void (*map_code(int file))(void)
{
    void *mapped = mmap(NULL, FILE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    if (mapped == MAP_FAILED)
        _exit(77);
    volatile char first = *(volatile char *)mapped; /* it is in memory from here on */
    (void)first;
    close(file);
    return (void (*)(void))mapped;
}

static void run_there(int file)
{
    void (*code)(void) = map_code(file);
    *quiet = NEVER;
    program_ready();
    code();
}

/* In `folder`; NULL: in memory. */
static int open_code(const char *folder, int number)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/file%d", folder ? folder : "", number);
    int file = folder ? open(path, O_RDONLY) : memfd_create(path, 0);
    if (file < 0 || (!folder && write(file, content, sizeof content) != sizeof content))
        _exit(77);
    return file;
}

static int held = -1; /* the file by which the lock is held; -1: it is not */

static void *hold_again(void *unused)
{
    while (!program_stop) {
        char *mapped = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, held, 0);
        if (mapped == MAP_FAILED)
            break;
        mapped[0]++;
        munmap(mapped, FILE_SIZE);
    }
    return unused;
}

static void *map_again(void *unused)
{
    while (!program_stop) {
        void *mapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        usleep(1000);
        munmap(mapped, 4096);
    }
    return unused;
}

static void run_through(const char *folder)
{
    void (*codes[CODE_FILES])(void);
    pthread_t threads[2];
    for (int i = 0; i < CODE_FILES; i++)
        codes[i] = map_code(open_code(folder, i));
    *quiet = SLOWLY;
    program_ready();
    alarm(LIFE);
    if (held >= 0) {
        pthread_create(&threads[0], NULL, hold_again, NULL);
        pthread_create(&threads[1], NULL, map_again, NULL);
    }
    while (!program_stop)
        for (int i = 0; i < CODE_FILES; i++)
            codes[i]();
}

/* Code that never returns, and code that does after a moment. */
static const unsigned char forever[] = {0xeb, 0xfe};
static const unsigned char for_a_while[] = {
    0xb9, 0x00, 0x2d, 0x31, 0x01, /* mov $20000000, %ecx */
    0xff, 0xc9,                   /* 1: dec %ecx */
    0x75, 0xfc,                   /* jnz 1b */
    0xc3,                         /* ret */
};

int main(int count, char **words)
{
    char path[4096];
    if (count != 3)
        return 2;
    quiet = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const bool slow = strcmp(words[1], "slow") == 0, turns = strcmp(words[1], "turns") == 0;
    if (slow || turns)
        memcpy(content, for_a_while, sizeof for_a_while);
    else
        memcpy(content, forever, sizeof forever);
    *quiet = 0; /* in memory: whoever waits for the lock can have no page any more */
    int device = geteuid() == 0 ? mount_as_root(words[2], slow ? ",allow_other" : "")
                                : mount_as_user(words[2]);
    if (device < 0) {
        fprintf(stderr, "FUSE cannot be mounted here\n");
        return 77;
    }
    pid_t server = fork();
    if (server == 0)
        serve(device);
    close(device);
    if (slow && geteuid() == 0 && (setgid(NOBODY_USER) < 0 || setuid(NOBODY_USER) < 0))
        return 77;
    snprintf(path, sizeof path, "%s/file", words[2]);
    int file = open(path, O_RDWR);
    if (file < 0)
        return 77;
    if (slow)
        run_through(words[2]);
    else if (turns) {
        held = file;
        run_through(NULL);
    } else if (strcmp(words[1], "lock") == 0)
        hold_lock(file);
    else
        run_there(file);
    return 0;
}
