/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that whoever looks at it has to wait for. It serves a file system of its own (FUSE),
 * has a file of that mapped, and from then on answers no more. It spins in the meantime.
 *
 *   fuse_hang lock FOLDER   one thread holds the lock of the address space: it takes a mapping away
 * whose pages are written back then, which is never answered fuse_hang code FOLDER   it spins in
 * code that is mapped from there; opening it again hangs
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

#define FILE_NODE 2
#define FILE_SIZE (64 * 4096)

static char content[FILE_SIZE];
static volatile int *quiet; /* shared with the server: answer no more */

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
    attr.mode = node == FILE_NODE ? S_IFREG | 0755 : S_IFDIR | 0755;
    attr.size = node == FILE_NODE ? FILE_SIZE : 0;
    return attr;
}

static void serve_one(int device, const struct fuse_in_header *in)
{
    const struct fuse_read_in *reading = (const void *)(in + 1);
    struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = 65536};
    struct fuse_entry_out entry = {.nodeid = FILE_NODE, .attr = attributes(FILE_NODE)};
    struct fuse_attr_out attr = {.attr = attributes(in->nodeid)};
    struct fuse_open_out opened = {.fh = 1};
    size_t size;
    switch (in->opcode) {
    case FUSE_INIT: answer(device, in->unique, 0, &init, sizeof init); return;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
    case FUSE_WRITE: return;
    default: break;
    }
    if (*quiet)
        return;
    switch (in->opcode) {
    case FUSE_LOOKUP: answer(device, in->unique, 0, &entry, sizeof entry); break;
    case FUSE_GETATTR: answer(device, in->unique, 0, &attr, sizeof attr); break;
    case FUSE_OPEN:
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

static int mount_as_root(const char *folder)
{
    char options[128];
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0)
        return -1;
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
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
    *quiet = 1;
    for (;;)
        pause();
}

static void run_there(int file)
{
    void *mapped = mmap(NULL, FILE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    if (mapped == MAP_FAILED)
        _exit(77);
    volatile char first = *(volatile char *)mapped; /* it is in memory from here on */
    (void)first;
    close(file);
    *quiet = 1;
    program_ready();
    ((void (*)(void))mapped)();
}

int main(int count, char **words)
{
    char path[4096];
    if (count != 3)
        return 2;
    quiet = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    content[0] = (char)0xeb; /* jmp to itself */
    content[1] = (char)0xfe;
    *quiet = 0; /* in memory: whoever waits for the lock can have no page any more */
    int device = geteuid() == 0 ? mount_as_root(words[2]) : mount_as_user(words[2]);
    if (device < 0) {
        fprintf(stderr, "FUSE cannot be mounted here\n");
        return 77;
    }
    pid_t server = fork();
    if (server == 0)
        serve(device);
    close(device);
    snprintf(path, sizeof path, "%s/file", words[2]);
    int file = open(path, O_RDWR);
    if (file < 0)
        return 77;
    if (strcmp(words[1], "lock") == 0)
        hold_lock(file);
    else
        run_there(file);
    return 0;
}
