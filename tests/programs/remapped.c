/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves its text, as programs do that want it in huge pages: a copy takes the place of what was
 * mapped. The first argument says how:
 *
 *     moved    all of it, by mremap(2) of anonymous memory (the default)
 *     mapped   some functions of it: anonymous memory is mapped over them, filled and made
 * executable shared   the same with a file without a name later    the same as mapped, but not
 * before SIGUSR1 altered  as moved, and a byte that nobody runs is changed in the page of spin
 *     other    as moved, and the page of spin becomes that of another function
 *     child    as moved, and what is to be seen is done by a child
 *
 * BUILD remapped: $CC -O2 -fno-omit-frame-pointer -o $OUT $SRC
 * BUILD remapped-no-pie: $CC -O2 -fno-omit-frame-pointer -no-pie -fno-pie -o $OUT $SRC
 * BUILD remapped-static: $CC -O2 -fno-omit-frame-pointer -static -o $OUT $SRC
 * NEEDS remapped-static: file libc.a
 * BUILD remapped-noseparate: $CC -O2 -fno-omit-frame-pointer -Wl,-z,noseparate-code -o $OUT $SRC
 * BUILD remapped-huge: $CC -O2 -fno-omit-frame-pointer -Wl,-z,max-page-size=2097152 -o $OUT $SRC
 *
 * EXPECT: spin < caller < main < _start
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "program.h"

#define PAGE 4096UL

/* Each begins a page of its own, and there is nothing else between them. */
#define OWN_PAGE OWN_FRAME __attribute__((aligned(4096), section("text_moved")))

static void *volatile frame;

OWN_PAGE void spin(void)
{
    frame = __builtin_frame_address(0); /* so that it has one, to be unwound by without its CFI */
    while (!program_stop)
        program_counter++;
}

/* Runs wherever it lies. */
OWN_PAGE void impostor(void)
{
    for (;;)
        __asm__ volatile("" : : "r"(__builtin_frame_address(0)));
}

OWN_PAGE void caller(void)
{
    spin();
    NOT_A_TAIL_CALL();
}

static void fail(const char *what)
{
    perror(what);
    _exit(1);
}

static uint64_t address_of(void (*function)(void))
{
    return (uint64_t)(uintptr_t)function & ~(PAGE - 1);
}

/* What /proc/self/maps has at spin. */
static void find_text(uint64_t *start, uint64_t *end)
{
    char line[512], flags[5];
    unsigned long from, to;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &from, &to, flags) == 3 && from <= address_of(spin) &&
            address_of(spin) < to) {
            *start = from;
            *end = to;
        }
    if (maps)
        fclose(maps);
}

static void move(int altered)
{
    uint64_t start = 0, end = 0;
    find_text(&start, &end);
    size_t size = end - start;
    char *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (size == 0 || copy == MAP_FAILED)
        fail("mmap");
    memcpy(copy, (void *)start, size);
    char *page = copy + (address_of(spin) - start);
    if (altered == 1)
        page[PAGE - 1] ^= 1;
    else if (altered == 2)
        memcpy(page, (void *)address_of(impostor), PAGE);
    if (mprotect(copy, size, PROT_READ | PROT_EXEC) != 0 ||
        mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)start) == MAP_FAILED)
        fail("mremap");
}

static void map_over(int shared)
{
    static char saved[8 * PAGE];
    uint64_t first = address_of(spin), last = first;
    if (address_of(caller) < first)
        first = address_of(caller);
    else
        last = address_of(caller);
    char *start = (char *)first;
    size_t size = last + PAGE - first;
    if (size > sizeof saved)
        _exit(1);
    memcpy(saved, start, size);
    if (shared) {
        int fd = memfd_create("text", 0);
        if (fd < 0 || write(fd, saved, size) != (ssize_t)size ||
            mmap(start, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
            fail("memfd");
        return;
    }
    if (mmap(start, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
        MAP_FAILED)
        fail("mmap");
    memcpy(start, saved, size);
    if (mprotect(start, size, PROT_READ | PROT_EXEC) != 0)
        fail("mprotect");
}

static void on_signal(int number)
{
    (void)number;
    map_over(0);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "moved";
    if (strcmp(how, "mapped") == 0)
        map_over(0);
    else if (strcmp(how, "shared") == 0)
        map_over(1);
    else if (strcmp(how, "later") == 0)
        signal(SIGUSR1, on_signal);
    else
        move(strcmp(how, "altered") == 0 ? 1 : strcmp(how, "other") == 0 ? 2 : 0);
    if (strcmp(how, "child") == 0 && fork() > 0) {
        pause();
        return 0;
    }
    program_ready();
    caller();
    NOT_A_TAIL_CALL();
    return 0;
}
