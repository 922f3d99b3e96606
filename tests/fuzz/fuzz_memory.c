/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is handed over: the window that rtsample shares with a worker, each side with
 * anything from the other one, also while it is read; and copies of files in sealed memory. The
 * first byte of the input chooses what, the second one sizes and seals; the rest is what is written
 * there, or questions. tests/fuzz/run builds it with libFuzzer and runs it; tests/fuzz/seeds.py
 * makes what it begins with.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "broker/memory_window.h"
#include "broker/proc.h"
#include "broker/sealed_copy.h"
#include "fuzz_folder.h"
#include "fuzz_main.h"

#define INPUT_MAX 16384
#define SECOND_NS 1000000000ULL

/* Nobody's: beyond all that Linux numbers. What is in its memory is a file. */
#define MADE_UP      0x40000001
#define NOT_THERE    0x40000002
#define MEMORY       "memory of nobody, from the first byte to the last one"
#define OWN_SIZE     8192
#define QUESTIONS    64
#define WRITES       64
#define WRITTEN      64
#define SIZE_AT      12 /* of a question, in the window */
#define HAVE_AT      28 /* of an answer */
#define SEALS_MASK   0x1f
#define SEALS_WINDOW (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)
#define SEALS_COPY   (SEALS_WINDOW | F_SEAL_WRITE)

enum kind {
    TOLD,         /* what a worker has left in the window */
    WRITING,      /* and what it writes while that is taken */
    ASKED,        /* questions for a worker */
    ASKING,       /* the size of which changes while they are answered */
    FILE_OF_SOME, /* a descriptor that is said to be a window */
    COPIED,
    KINDS
};

/* As it stands in the input. The address of an own thread counts from `own` on where the uppermost
 * bit of `who` is set. */
struct question {
    uint8_t who;
    uint8_t unused[3];
    uint32_t size;
    uint64_t address;
};

static int root = -1, window_fd;
static struct rts_memory_window *window;
static volatile uint8_t *raw; /* the same */
static off_t window_size;
static uint8_t own[OWN_SIZE];

/* A thread that stands for the other process. */
static sem_t wanted, done;
static atomic_bool writes;
static const uint8_t *written;
static size_t written_size, written_at;

/* Two contents in turn: the first and the second half of what is written. */
static void write_in_turn(void)
{
    size_t half = written_size / 2;
    for (int i = 0; i < WRITES; i++)
        for (size_t k = 0; k < half; k++)
            raw[written_at + k] = written[k + (i % 2 ? half : 0)];
}

static void *write_now(void *unused)
{
    for (;;) {
        while (sem_wait(&wanted) < 0)
            continue;
        write_in_turn();
        atomic_store(&writes, false);
        sem_post(&done);
    }
    return unused;
}

static void begin_writing(const uint8_t *bytes, size_t size, size_t at)
{
    written = bytes;
    written_size = size;
    written_at = at;
    atomic_store(&writes, true);
    sem_post(&wanted);
}

static void wait_for(sem_t *which)
{
    while (sem_wait(which) < 0)
        continue;
}

/* ---- a worker at the window ---- */

static sem_t sent, left;

static void *serve(void *unused)
{
    for (;;) {
        wait_for(&sent);
        rts_memory_window_serve(window, fuzz_top);
        sem_post(&left);
    }
    return unused;
}

static void start(void *(*what)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, what, NULL) != 0)
        abort();
    pthread_detach(thread);
}

static void make_world(void)
{
    char path[32];
    root = fuzz_folder_make();
    snprintf(path, sizeof path, "%d", MADE_UP);
    if (mkdirat(root, path, 0755) < 0)
        abort();
    snprintf(path, sizeof path, "%d/mem", MADE_UP);
    fuzz_folder_write(root, path, MEMORY, sizeof MEMORY - 1);
    for (size_t i = 0; i < sizeof own; i++)
        own[i] = (uint8_t)(i * 7 + i / 256);
    window = rts_memory_window_create(&window_fd);
    window_size = window ? lseek(window_fd, 0, SEEK_END) : -1;
    raw = window_size > 0
              ? mmap(NULL, (size_t)window_size, PROT_READ | PROT_WRITE, MAP_SHARED, window_fd, 0)
              : MAP_FAILED;
    if (raw == MAP_FAILED)
        abort();
    /* Is it where it is thought to be? */
    rts_memory_window_ask(window, 1, 0, 0x1234);
    uint32_t size;
    memcpy(&size, (const void *)(raw + SIZE_AT), sizeof size);
    if (size != 0x1234)
        abort();
    sem_init(&wanted, 0, 0);
    sem_init(&done, 0, 0);
    sem_init(&sent, 0, 0);
    sem_init(&left, 0, 0);
    start(write_now);
    start(serve);
}

/* ---- rtsample's side ---- */

static void take(size_t size)
{
    uint64_t cpu_ns;
    uint8_t *bytes = malloc(size + 1);
    if (!bytes || rts_memory_window_take(window, bytes, size, &cpu_ns) > size)
        abort();
    free(bytes);
    rts_memory_window_wait(window, 0);
}

static void take_told(size_t size, const uint8_t *bytes, size_t count)
{
    if (pwrite(window_fd, bytes, count, 0) != (ssize_t)count)
        abort();
    take(size);
    rts_memory_window_reset(window);
}

static void take_while_written(size_t size, const uint8_t *bytes, size_t count)
{
    begin_writing(bytes, count < 2 * WRITTEN ? count : 2 * WRITTEN, 0);
    do
        take(size);
    while (atomic_load(&writes));
    wait_for(&done);
    rts_memory_window_reset(window);
}

/* ---- the worker's side ---- */

static void check(const struct question *question, int32_t tid, uint64_t address, size_t size,
                  bool is_certain)
{
    static uint8_t bytes[RTS_PROC_MEMORY_MAX];
    uint64_t cpu_ns;
    uint32_t told;
    size_t have = rts_memory_window_take(window, bytes, sizeof bytes, &cpu_ns);
    memcpy(&told, (const void *)(raw + HAVE_AT), sizeof told);
    if (told != have || (tid == NOT_THERE && have > 0))
        abort();
    if (!is_certain)
        return;
    size_t limit = size < sizeof bytes ? size : sizeof bytes;
    if (have > limit)
        abort();
    if (tid == MADE_UP) {
        size_t length = sizeof MEMORY - 1;
        size_t expected = address >= length ? 0 : length - (size_t)address;
        if (have != (expected < limit ? expected : limit) ||
            (have > 0 && memcmp(bytes, &MEMORY[address], have) != 0))
            abort();
    } else if (tid == getpid() && question->who & 0x80) {
        size_t offset = (size_t)(address - (uintptr_t)own);
        size_t there = sizeof own - offset;
        size_t same = have < there ? have : there;
        if ((limit > 0 && same < (limit < there ? limit : there)) ||
            memcmp(bytes, own + offset, same) != 0)
            abort();
    }
}

/* Of ourselves, of nobody, of nobody who is not there; or none. */
static int32_t thread_of(const struct question *question)
{
    const int32_t threads[] = {getpid(), MADE_UP, NOT_THERE, -(int32_t)(question->who >> 2)};
    return threads[question->who % 4];
}

static void ask(bool changing, const uint8_t *bytes, size_t count)
{
    rts_memory_window_reset(window);
    sem_post(&sent);
    bool at_window = true;
    for (int i = 0; at_window && i < QUESTIONS && count >= sizeof(struct question); i++) {
        struct question question;
        memcpy(&question, bytes, sizeof question);
        bytes += sizeof question;
        count -= sizeof question;
        int32_t tid = thread_of(&question);
        uint64_t address = question.address;
        if (tid == getpid() && question.who & 0x80)
            address = (uintptr_t)own + question.address % sizeof own;
        if (changing)
            begin_writing((const uint8_t *)&question + offsetof(struct question, size),
                          2 * sizeof question.size, SIZE_AT);
        rts_memory_window_ask(window, tid, address, question.size);
        at_window = tid > 0;
        if (changing)
            wait_for(&done);
        if (at_window && !rts_memory_window_wait(window, 60 * SECOND_NS))
            abort();
        if (at_window)
            check(&question, tid, address, question.size, !changing);
    }
    if (at_window)
        rts_memory_window_leave(window);
    wait_for(&left);
    rts_memory_window_reset(window);
}

/* ---- descriptors ---- */

static void seal(int fd, unsigned seals)
{
    if ((seals & SEALS_MASK) && fcntl(fd, F_ADD_SEALS, seals & SEALS_MASK) < 0)
        abort();
}

static void open_window(uint8_t how, const uint8_t *bytes, size_t count)
{
    uint32_t size = 0;
    memcpy(&size, bytes, count < sizeof size ? count : sizeof size);
    unsigned seals = count > 4 ? bytes[4] & SEALS_MASK : 0;
    int pair[2], fd;
    bool good = false;
    switch (how % 4) {
    case 0: /* of any size, with any seals */
    case 1:
        fd = memfd_create("window", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (how & 0x80)
            size = (uint32_t)window_size + (how >> 2 & 3) - 1;
        if (fd < 0 || ftruncate(fd, size) < 0)
            abort();
        seal(fd, seals);
        /* Sealed against writing, it cannot be mapped for that either. */
        good = size == window_size && (seals & SEALS_WINDOW) == SEALS_WINDOW &&
               !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
        break;
    case 2:
        fuzz_folder_write(root, "file", bytes, count);
        fd = openat(root, "file", O_RDWR | O_CLOEXEC);
        if (fd < 0 || ftruncate(fd, window_size) < 0)
            abort();
        break;
    default:
        if (pipe2(pair, O_CLOEXEC) < 0)
            abort();
        close(pair[1]);
        fd = pair[0];
    }
    struct rts_memory_window *opened = rts_memory_window_open(fd);
    if (good != (opened != NULL))
        abort();
    if (opened)
        rts_memory_window_reset(opened);
    rts_memory_window_close(opened);
    close(fd);
}

static void assert_is_copy(int fd, const uint8_t *bytes, size_t count)
{
    static uint8_t again[INPUT_MAX + 1];
    uint8_t byte = 0;
    if (!rts_sealed_is(fd) || read(fd, again, sizeof again) != (ssize_t)count ||
        memcmp(again, bytes, count) != 0 || pwrite(fd, &byte, 1, 0) == 1 ||
        ftruncate(fd, (off_t)count + 1) == 0 || (count > 0 && ftruncate(fd, 0) == 0) ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0)
        abort();
    close(fd);
}

static void copy(uint8_t how, const uint8_t *bytes, size_t count)
{
    uint64_t limit = how & 0x80 ? count + (how >> 2 & 3) - (count > 0) : (uint64_t)how << 4;
    int of_bytes = rts_sealed_bytes(bytes, count);
    if (of_bytes < 0)
        abort();
    assert_is_copy(of_bytes, bytes, count);
    fuzz_folder_write(root, "file", bytes, count);
    int fd = openat(root, "file", O_RDONLY | O_CLOEXEC);
    int made = rts_sealed_copy(fd, limit), number = errno;
    if ((made >= 0) != (count <= limit) || (made < 0 && number != EFBIG))
        abort();
    if (made >= 0)
        assert_is_copy(made, bytes, count);
    close(fd);
    fd = memfd_create("some", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    unsigned seals = how & SEALS_MASK;
    seal(fd, seals);
    if (rts_sealed_is(fd) != ((seals & SEALS_COPY) == SEALS_COPY))
        abort();
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (root < 0)
        make_world();
    if (size < 2 || size > INPUT_MAX)
        return 0;
    uint8_t how = data[1];
    const uint8_t *bytes = data + 2;
    size_t count = size - 2, room = (size_t)how * 17;
    switch (data[0] % KINDS) {
    case TOLD: take_told(room, bytes, count); break;
    case WRITING: take_while_written(room, bytes, count); break;
    case ASKED: ask(false, bytes, count); break;
    case ASKING: ask(true, bytes, count); break;
    case FILE_OF_SOME: open_window(how, bytes, count); break;
    default: copy(how, bytes, count);
    }
    return 0;
}
