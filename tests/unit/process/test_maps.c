/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/broker.h"
#include "process/look.h"
#include "process/maps.h"
#include "process/maps_query.h"
#include "util/buffer.h"

#include "../oracle.h"
#include "../suite.h"

static bool parse(char *copy, const char *text, struct rts_maps_line *line)
{
    strcpy(copy, text);
    return rts_maps_parse(copy, line);
}

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t start, end, offset;
        bool executable;
        uint32_t major, minor;
        uint64_t inode;
        const char *path;
    } lines[] = {
        {"55d0c0000000-55d0c0021000 r-xp 00001000 08:01 1234                       /usr/bin/x",
         0x55d0c0000000, 0x55d0c0021000, 0x1000, true, 8, 1, 1234, "/usr/bin/x"},
        {"7f0000000000-7f0000001000 rw-p 00000000 00:00 0 ", 0x7f0000000000, 0x7f0000001000, 0,
         false, 0, 0, 0, ""},
        {"7f0000000000-7f0000001000 rwxp 00000000 00:00 0", 0x7f0000000000, 0x7f0000001000, 0, true,
         0, 0, 0, ""},
        {"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
         0xffffffffff600000, 0xffffffffff601000, 0, true, 0, 0, 0, "[vsyscall]"},
        {"7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]",
         0x7ffd00000000, 0x7ffd00002000, 0, true, 0, 0, 0, "[vdso]"},
        {"7f0000000000-7f0000001000 r-xs 00000000 fd:0a 99   /a b/c  d.so", 0x7f0000000000,
         0x7f0000001000, 0, true, 0xfd, 0xa, 99, "/a b/c  d.so"},
        {"1000-2000 r-xp 0 8:1 5 /gone.so (deleted)", 0x1000, 0x2000, 0, true, 8, 1, 5, "/gone.so"},
        {"1000-2000 r-xp 0 8:1 5 /odd (deleted) (deleted)", 0x1000, 0x2000, 0, true, 8, 1, 5,
         "/odd (deleted)"},
        {"1000-2000 r-xp 0 8:1 5 /odd (deleted)x", 0x1000, 0x2000, 0, true, 8, 1, 5,
         "/odd (deleted)x"},
        {"1000-2000 r-xp 0 8:1 5 /two\\012lines\\012", 0x1000, 0x2000, 0, true, 8, 1, 5,
         "/two\nlines\n"},
        {"1000-2000 r-xp 0 8:1 5 /back\\slash\\01", 0x1000, 0x2000, 0, true, 8, 1, 5,
         "/back\\slash\\01"},
        {"1000-2000 r-xp 0 0:1 7 /memfd:jit (deleted)", 0x1000, 0x2000, 0, true, 0, 1, 7,
         "/memfd:jit"},
        {"0-ffffffffffffffff r-xp ffffffffffffffff ffffffff:ffffffff 18446744073709551615 /x", 0,
         UINT64_MAX, UINT64_MAX, true, UINT32_MAX, UINT32_MAX, UINT64_MAX, "/x"},
        {"1000-2000 r-xp 0 8:1 5 /tab\there", 0x1000, 0x2000, 0, true, 8, 1, 5, "/tab\there"},
        {"1000-2000 r-xp 0 8:1 5 [anon:with space]", 0x1000, 0x2000, 0, true, 8, 1, 5,
         "[anon:with space]"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char copy[256];
        struct rts_maps_line line;
        assert_true(parse(copy, lines[i].text, &line));
        assert_int_equal(line.start, lines[i].start);
        assert_int_equal(line.end, lines[i].end);
        assert_int_equal(line.offset, lines[i].offset);
        assert_int_equal(line.executable, lines[i].executable);
        assert_int_equal(line.major, lines[i].major);
        assert_int_equal(line.minor, lines[i].minor);
        assert_int_equal(line.inode, lines[i].inode);
        assert_string_equal(line.path, lines[i].path);
    }
}

static void test_garbage(void **state)
{
    (void)state;
    static const char *const garbage[] = {
        "",
        " ",
        "-",
        "1000",
        "1000-",
        "1000-2000",
        "1000-2000 r-xp",
        "1000-2000 r-xp 0 8:1",
        "1000-2000 r-xp 0 8:1 ",
        "1000-2000 r-xp 0 81 5 /x",
        "1000-2000 r-x 0 8:1 5 /x",
        "1000-2000 rwxps 0 8:1 5 /x",
        "2000-1000 r-xp 0 8:1 5 /x",
        "1000-1000 r-xp 0 8:1 5 /x",
        "xyz-2000 r-xp 0 8:1 5 /x",
        "1000 2000 r-xp 0 8:1 5 /x",
        "Size:                  4 kB",
        "VmFlags: rd mr mw me dw",
    };
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        char copy[256];
        struct rts_maps_line line;
        assert_false(parse(copy, garbage[i], &line));
    }
}

/* Lines of random bytes, on the heap with exactly their size: nothing is read outside. */
static void test_random_lines(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789abcdef-:rwxps /\\012()deleted\n\t";
    srandom(7);
    for (int round = 0; round < 50000; round++) {
        size_t size = (size_t)random() % 90;
        char *text = malloc(size + 1);
        for (size_t i = 0; i < size; i++)
            text[i] = alphabet[(size_t)random() % (sizeof alphabet - 1)];
        text[size] = '\0';
        struct rts_maps_line line;
        if (rts_maps_parse(text, &line)) {
            assert_true(line.start < line.end);
            assert_true(line.path >= text && line.path <= text + size);
        }
        free(text);
    }
}

static void print_line(void *context, const struct rts_maps_line *line)
{
    char text[16384];
    snprintf(text, sizeof text,
             "%" PRIx64 " %" PRIx64 " %" PRIx64 " %d %" PRIx32 " %" PRIx32 " %" PRIu64 " ",
             line->start, line->end, line->offset, line->executable, line->major, line->minor,
             line->inode);
    rts_buffer_text(context, text);
    for (const char *at = line->path; *at; at++)
        rts_buffer_format(context, "%02x", (unsigned char)*at);
    rts_buffer_text(context, "\n");
}

/* What a process of our own has mapped, also from a file with odd names, as python3 reads it. The
 * process is stopped, so both see the same. */
static void test_real_process(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    char folder[] = "/tmp/rtsample-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    static const char *const names[] = {"plain", "two\nlines", "a b  c", "gone", "tab\tbed"};
    char path[128];
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < 5; i++) {
            snprintf(path, sizeof path, "%s/%s", folder, names[i]);
            int fd = open(path, O_RDWR | O_CREAT, 0700);
            if (fd < 0 || ftruncate(fd, 12288) < 0 ||
                mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 4096 * (off_t)(i % 3)) == MAP_FAILED)
                _exit(1);
            if (strcmp(names[i], "gone") == 0)
                unlink(path);
        }
        mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        raise(SIGSTOP);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));

    struct rts_buffer ours = RTS_BUFFER_INIT;
    struct rts_error error;
    const struct rts_maps_wanted all = {.part = RTS_MAPS_ALL};
    int lines = rts_maps_read_part(&(struct rts_proc){.root = "/proc"}, child, &all, print_line,
                                   &ours, NULL, &error);
    assert_true(lines > 5);
    char *theirs = oracle_ask("python3 - %d <<'END'\n"
                              "import sys\n"
                              "for line in open('/proc/%%s/maps' %% sys.argv[1], 'rb'):\n"
                              "    a, flags, offset, device, inode, *path = \\\n"
                              "        line[:-1].split(maxsplit=5)\n"
                              "    start, end = a.split(b'-')\n"
                              "    major, minor = device.split(b':')\n"
                              "    path = path[0] if path else b''\n"
                              "    path = path.removesuffix(b' (deleted)')\n"
                              "    path = path.replace(b'\\\\012', b'\\n')\n"
                              "    print('%%x %%x %%x %%d %%x %%x %%d %%s' %% (int(start, 16),\n"
                              "        int(end, 16), int(offset, 16), flags[2] == ord('x'),\n"
                              "        int(major, 16), int(minor, 16), int(inode), path.hex()))\n"
                              "END",
                              (int)child);
    rts_buffer_consume(&ours, 0);
    ours.data[ours.size - 1] = '\0'; /* the last newline, which the answer does not have */
    assert_string_equal(ours.data, theirs);
    free(theirs);
    rts_buffer_finish(&ours);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    free(oracle_ask("rm -r %s && echo", folder));
}

static void count_line(void *context, const struct rts_maps_line *line)
{
    (void)line;
    ++*(int *)context;
}

static void test_missing_and_empty(void **state)
{
    (void)state;
    char folder[] = "/tmp/rtsample-test-XXXXXX", path[128];
    assert_non_null(mkdtemp(folder));
    struct rts_error error = {0};
    int count = 0;
    assert_int_equal(
        rts_maps_read(&(struct rts_proc){.root = folder}, 5, count_line, &count, &error), -1);
    assert_int_equal(error.number, ENOENT);
    assert_non_null(strstr(error.text, "/5/maps"));
    assert_int_equal(rts_maps_read(&(struct rts_proc){.root = folder}, 5, count_line, &count, NULL),
                     -1);

    snprintf(path, sizeof path, "%s/5", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    strcat(path, "/maps");
    FILE *file = fopen(path, "w");
    assert_int_equal(
        rts_maps_read(&(struct rts_proc){.root = folder}, 5, count_line, &count, &error), 0);
    fputs("garbage\n\n1000-2000 r-xp 0 8:1 5 /x\nmore\n2000-3000 r--p 0 8:1 5 /no newline", file);
    fclose(file);
    assert_int_equal(
        rts_maps_read(&(struct rts_proc){.root = folder}, 5, count_line, &count, &error), 5);
    assert_int_equal(count, 1); /* of two mappings one is code */
    const struct rts_maps_wanted all = {.part = RTS_MAPS_ALL};
    assert_int_equal(rts_maps_read_part(&(struct rts_proc){.root = folder}, 5, &all, count_line,
                                        &count, NULL, &error),
                     5);
    assert_int_equal(count, 3);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0); /* a directory opens, and cannot be read */
    assert_int_equal(
        rts_maps_read(&(struct rts_proc){.root = folder}, 5, count_line, &count, &error), -1);
    assert_int_equal(error.number, EISDIR);
    free(oracle_ask("rm -r %s && echo", folder));
}

/* ---- more than is usual ---- */

/* Makes /proc as it would be for process 5 that has what the python3 program prints. */
static void make_maps(char folder[64], const char *program)
{
    strcpy(folder, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    free(oracle_ask("mkdir %s/5 && python3 -c '%s' > %s/5/maps && echo", folder, program, folder));
}

/* Reads them by ourselves, or through a broker, and says how much memory more that took at most. */
static int read_part(const char *folder, bool by_broker, const struct rts_maps_wanted *wanted,
                     struct rts_buffer *lines, bool *cut)
{
    const struct rts_broker_setup setup = {.proc_root = folder, .answer = rts_look_answer};
    struct rts_broker *broker = by_broker ? rts_broker_start(&setup, NULL) : NULL;
    const struct rts_proc proc = {.root = folder, .broker = broker};
    struct rts_error error = {0};
    rts_buffer_clear(lines);
    int count = rts_maps_read_part(&proc, 5, wanted, print_line, lines, cut, &error);
    rts_broker_destroy(broker);
    return count;
}

/* A million mappings, of which three hold code: they are found, wherever they are, and what is kept
 * of the others is nothing. */
static void test_a_million(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    char folder[64];
    make_maps(folder,
              "for i in range(1000000): "
              "print(\"%x-%x r%sp 00000000 08:01 7 %s\" % (4096 * i + 4096, 4096 * i + 8192, "
              "\"-x\" if i in (0, 500000, 999999) else \"w-\", "
              "\"/lib/code\" if i in (0, 500000, 999999) else \"/var/data\"))");
    struct rts_buffer lines = RTS_BUFFER_INIT;
    char *expected = oracle_ask("grep -c ' r-xp ' %s/5/maps; wc -l < %s/5/maps", folder, folder);
    assert_string_equal(expected, "3\n1000000");
    free(expected);
    for (int by_broker = 0; by_broker < 2; by_broker++) {
        const struct rts_maps_wanted code = {.part = RTS_MAPS_CODE};
        bool cut;
        assert_int_equal(read_part(folder, by_broker, &code, &lines, &cut), 1000000);
        assert_false(cut);
        assert_non_null(strstr(lines.data, "\n7a121000 7a122000 0 1 8 1 7 "));
        assert_true(lines.size < 200 && lines.capacity < 4096);
    }
    rts_buffer_finish(&lines);
    free(oracle_ask("rm -r %s && echo", folder));
}

/* As much code as nobody has, in paths as long as can be: it ends, between two lines, and says so.
 */
static void test_too_much_code(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    char folder[64];
    make_maps(folder,
              "p = \"/\" + 4000 * \"x\"\n"
              "for i in range(4000): "
              "print(\"%x-%x r-xp 00000000 08:01 7 %s\" % (4096 * i + 4096, 4096 * i + 8192, p))");
    struct rts_buffer lines = RTS_BUFFER_INIT;
    for (int by_broker = 0; by_broker < 2; by_broker++) {
        const struct rts_maps_wanted code = {.part = RTS_MAPS_CODE};
        bool cut;
        size_t count = 0;
        assert_in_range(read_part(folder, by_broker, &code, &lines, &cut), 2000, 2200);
        assert_true(cut);
        for (size_t at = 0; at < lines.size; at += strcspn(lines.data + at, "\n") + 1, count++)
            assert_in_range(strcspn(lines.data + at, "\n"), 8002, 8100);
        assert_in_range(count, 2000, RTS_MAPS_TEXT_MAX / 4000);
    }
    rts_buffer_finish(&lines);
    free(oracle_ask("rm -r %s && echo", folder));
}

/* One line that is longer than any that the kernel writes is none, and the next ones are. */
static void test_endless_line(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    char folder[64];
    make_maps(folder, "print(\"1000-2000 r-xp 0 8:1 5 /\" + 300000 * \"y\")\n"
                      "print(\"3000-4000 r-xp 0 8:1 5 /z\")");
    struct rts_buffer lines = RTS_BUFFER_INIT;
    const struct rts_maps_wanted code = {.part = RTS_MAPS_CODE};
    bool cut;
    assert_true(read_part(folder, false, &code, &lines, &cut) >= 1);
    assert_non_null(strstr(lines.data, "3000 4000 0 1 8 1 5 2f7a"));
    assert_true(lines.size < 100);
    rts_buffer_finish(&lines);
    free(oracle_ask("rm -r %s && echo", folder));
}

/* Around an address: what is there, and the files below and above it, as awk finds them. */
static void test_near(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    char folder[64];
    make_maps(folder, "for i in range(3000): "
                      "print(\"%x-%x rw-p 00000000 %s\" % (4096 * i + 4096, 4096 * i + 8192, "
                      "\"08:01 %d /lib/%d\" % (i + 1, i) if i % 100 == 0 else \"00:00 0 \"))");
    struct rts_buffer lines = RTS_BUFFER_INIT;
    static const unsigned places[] = {0, 1, 50, 99, 100, 150, 2899, 2900, 2901, 2999, 5000};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct rts_maps_wanted near = {.part = RTS_MAPS_NEAR,
                                       .address = 4096 * (uint64_t)places[i] + 4096 + 16};
        bool cut;
        char *expected = oracle_ask(
            "awk -v at=%u '{n = NR - 1; is = n %% 100 == 0} is && n < at {below = $1} "
            "n == at {here = $1} is && n > at && !above {above = $1} "
            "END {print below, here, above}' %s/5/maps | tr -s ' \n' ' ' | sed 's/^ //; s/ $//'",
            places[i], folder);
        for (int by_broker = 0; by_broker < 2; by_broker++) {
            char found[256] = "";
            assert_int_equal(read_part(folder, by_broker, &near, &lines, &cut), 3000);
            for (char *line = lines.data; line && *line; line = strchr(line, '\n') + 1) {
                uint64_t start, end;
                assert_int_equal(sscanf(line, "%" SCNx64 " %" SCNx64, &start, &end), 2);
                sprintf(found + strlen(found), "%s%" PRIx64 "-%" PRIx64, *found ? " " : "", start,
                        end);
            }
            assert_string_equal(found, expected);
        }
        free(expected);
    }
    rts_buffer_finish(&lines);
    free(oracle_ask("rm -r %s && echo", folder));
}

struct own_code {
    struct rts_mapping mapping;
    struct rts_mapped_file file;
};

static void take_own_code(void *context, const struct rts_maps_line *line)
{
    struct own_code *own = context;
    uint64_t here = (uintptr_t)take_own_code;
    if (here < line->start || here >= line->end)
        return;
    own->mapping.start = line->start;
    own->mapping.offset = line->offset;
    own->file.has_identity = true;
    own->file.major = line->major;
    own->file.minor = line->minor;
    own->file.inode = line->inode;
}

static void test_build_id_by_the_kernel(void **state)
{
    (void)state;
    ORACLE_NEEDS("readelf");
    struct rts_build_id build_id;
    struct own_code own = {.mapping.kind = RTS_MAPPING_FILE};
    own.mapping.file = &own.file;
    assert_true(rts_maps_read(&(struct rts_proc){.root = "/proc"}, getpid(), take_own_code, &own,
                              NULL) > 0);
    assert_false(rts_maps_query_build_id("/nowhere", getpid(), &own.mapping, &build_id));
    if (!rts_maps_query_build_id("/proc", getpid(), &own.mapping, &build_id)) {
        int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
        uint64_t nothing[13] = {0};
        bool known = ioctl(fd, _IOWR('f', 17, nothing), nothing) == 0 || errno != ENOTTY;
        close(fd);
        assert_false(known); /* else it should have told */
        skip();
    }
    char hex[2 * RTS_BUILD_ID_MAX + 1] = "";
    for (size_t i = 0; i < build_id.size; i++)
        sprintf(hex + 2 * i, "%02x", build_id.bytes[i]);
    char *told = oracle_ask("readelf -n /proc/%d/exe | sed -n 's/.*Build ID: //p'", getpid());
    assert_string_equal(hex, told);
    free(told);

    struct own_code other = own;
    other.mapping.file = &other.file;
    other.file.inode++; /* another file is there by now */
    assert_false(rts_maps_query_build_id("/proc", getpid(), &other.mapping, &build_id));
    own.mapping.offset += 4096;
    assert_false(rts_maps_query_build_id("/proc", getpid(), &own.mapping, &build_id));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_random_lines),
        cmocka_unit_test(test_real_process),
        cmocka_unit_test(test_missing_and_empty),
        cmocka_unit_test(test_build_id_by_the_kernel),
        cmocka_unit_test(test_a_million),
        cmocka_unit_test(test_too_much_code),
        cmocka_unit_test(test_endless_line),
        cmocka_unit_test(test_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
