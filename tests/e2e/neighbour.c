/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who else may be on a machine that is sampled. All but burn say "ready" once they are.
 *
 * - neighbour work ROUNDS PROGRAM...: runs `PROGRAM burn` again and again, one after the other,
 * each of the programs in turn; 0: for ever. Each is a new process that executes a file.
 * - neighbour burn: uses a tenth of a second of CPU time, or $BURN_SECONDS, in a function hot().
 * - neighbour ask: is a recorder of the whole machine that asks for build-ids in MMAP2 records.
 * - neighbour watch PID: is a recorder of a process, and all that it starts, that does not.
 *
 * At the end of their standard input the recorders print how many MMAP2 records they got, and how
 * many of them claim to have a build-id. Exit status 77: this kernel has none, or does not permit
 * it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CPUS_MAX      1024
#define RING_BYTES    (256 << 10)
#define BUILD_ID_BIT  34        /* of attr's flags; Linux 5.12 */
#define BUILD_ID_MARK (1 << 14) /* PERF_RECORD_MISC_MMAP_BUILD_ID */

static volatile unsigned long count;

static double cpu_seconds(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

__attribute__((noinline)) static void hot(void)
{
    const char *wish = getenv("BURN_SECONDS");
    double end = cpu_seconds() + (wish ? atof(wish) : 0.1);
    while (cpu_seconds() < end)
        for (int i = 0; i < 1000000; i++)
            count++;
}

static void say_ready(void)
{
    puts("ready");
    fflush(stdout);
}

static int work(long rounds, char **programs, int program_count)
{
    say_ready();
    for (long i = 0; rounds == 0 || i < rounds; i++) {
        char *path = programs[i % program_count];
        pid_t child = fork();
        if (child == 0) {
            execl(path, path, "burn", (char *)NULL);
            _exit(127);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
            return 1;
    }
    return 0;
}

static int open_event(int pid, int cpu, int asks)
{
    struct perf_event_attr attr = {
        .size = PERF_ATTR_SIZE_VER5,
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .sample_period = 1,
        .sample_type = PERF_SAMPLE_TID,
        .exclude_kernel = 1,
        .inherit = pid > 0,
        .mmap = 1,
        .mmap2 = 1,
        .task = 1,
    };
    uint64_t flags;
    char *place = (char *)&attr + offsetof(struct perf_event_attr, read_format) + 8;
    memcpy(&flags, place, sizeof flags);
    flags |= asks ? 1ULL << BUILD_ID_BIT : 0;
    memcpy(place, &flags, sizeof flags);
    return (int)syscall(SYS_perf_event_open, &attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* One event per CPU with its ring; returns how many. */
static int open_rings(int pid, int asks, struct perf_event_mmap_page **rings)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    int opened = 0;
    for (int cpu = 0; cpu < cpus && opened < CPUS_MAX; cpu++) {
        int fd = open_event(pid, cpu, asks);
        if (fd < 0 && errno == ENODEV)
            continue;
        size_t size = (size_t)sysconf(_SC_PAGESIZE) + RING_BYTES;
        void *memory =
            fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED) {
            fprintf(stderr, "neighbour: %s\n", strerror(errno));
            exit(77);
        }
        rings[opened++] = memory;
    }
    return opened;
}

static void wait_for_end(void)
{
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
}

/* The rings are not emptied, so that what they hold begins at their beginning. */
static void count_marks(const struct perf_event_mmap_page *ring, unsigned *mapped, unsigned *marked)
{
    const char *data = (const char *)ring + sysconf(_SC_PAGESIZE);
    uint64_t head = __atomic_load_n(&ring->data_head, __ATOMIC_ACQUIRE);
    for (uint64_t at = 0; at < head;) {
        struct perf_event_header header;
        memcpy(&header, data + at, sizeof header);
        *mapped += header.type == PERF_RECORD_MMAP2;
        *marked += header.type == PERF_RECORD_MMAP2 && (header.misc & BUILD_ID_MARK);
        at += header.size;
    }
}

static int record(int pid, int asks)
{
    static struct perf_event_mmap_page *rings[CPUS_MAX];
    unsigned mapped = 0, marked = 0;
    int opened = open_rings(pid, asks, rings);
    say_ready();
    wait_for_end();
    for (int i = 0; i < opened; i++)
        count_marks(rings[i], &mapped, &marked);
    printf("%u %u\n", mapped, marked);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "burn") == 0)
        return hot(), 0;
    if (strcmp(what, "work") == 0 && argc > 3)
        return work(atol(argv[2]), argv + 3, argc - 3);
    if (strcmp(what, "ask") == 0)
        return record(-1, 1);
    if (strcmp(what, "watch") == 0 && argc > 2)
        return record(atoi(argv[2]), 0);
    fprintf(stderr, "usage: neighbour work ROUNDS PROGRAM... | burn | ask | watch PID\n");
    return 2;
}
