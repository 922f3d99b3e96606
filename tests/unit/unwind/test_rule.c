/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled rules against readelf's reading of the same rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "binary/object.h"
#include "unwind/rule_cache.h"

#include "../oracle.h"
#include "../suite.h"

/* Prints rows "first last cfa rbx rbp ra" of a file, spread evenly over it. A row ends where the
 * next one starts, or with its FDE. Columns that a row does not have are "u". */
static const char reader[] =
    "import re, subprocess, sys\n"
    "rows, columns, end = [], [], 0\n"
    "def close(limit):\n"
    "    if rows and rows[-1][1] is None: rows[-1][1] = limit\n"
    "out = subprocess.run(['readelf', '--debug-dump=frames-interp', sys.argv[1]],\n"
    "                     capture_output=True, text=True).stdout\n"
    "fde = False\n"
    "for line in out.splitlines():\n"
    "    found = re.search(r'FDE .*pc=([0-9a-f]+)\\.\\.([0-9a-f]+)', line)\n"
    "    if found or ' CIE ' in line or 'Contents of' in line:\n"
    "        close(end)\n"
    "        fde = bool(found)\n"
    "        if found: end = int(found[2], 16)\n"
    "    elif line.split()[:2] == ['LOC', 'CFA']:\n"
    "        columns = line.split()[2:]\n"
    "    elif fde and re.match(r'[0-9a-f]{16} ', line):\n"
    "        line = re.sub(r'r[0-9]+ \\((\\w+)\\)', r'\\1', line)\n"
    "        at, cfa, *values = line.split()\n"
    "        close(int(at, 16))\n"
    "        named = dict(zip(columns, values))\n"
    "        rows.append([int(at, 16), None, cfa] +\n"
    "                    [named.get(name, 'u') for name in ('rbx', 'rbp', 'ra')])\n"
    "close(end)\n"
    "rows = [row for row in rows if row[0] < row[1]]\n"
    /* Where a register is at a positive offset, an older one forgets what the CIE says. */
    "version = subprocess.run(['readelf', '--version'], capture_output=True, text=True).stdout\n"
    "if [int(part) for part in re.search(r'(\\d+)\\.(\\d+)', version).groups()] < [2, 37]:\n"
    "    rows = [row for row in rows if row[3:] != ['u', 'u', 'u'] or row[2] == 'exp']\n"
    "odd = [row for row in rows if 'exp' in row[2:] or 'u' == row[5]]\n"
    "step = max(1, len(rows) // 600)\n"
    "for row in rows[::step] + odd[:100]:\n"
    "    print('%x %x %s %s %s %s' % (row[0], row[1] - 1, *row[2:]))\n";

static const char *const names[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8",
                                    "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip"};

/* A register's rule in readelf's words. */
static void describe(const struct rts_rule *rule, unsigned number, char text[32])
{
    int offset = rule->offset[number];
    switch (rule->kind[number]) {
    case RTS_RULE_UNDEFINED: strcpy(text, "u"); break;
    case RTS_RULE_SAME: strcpy(text, "s"); break;
    case RTS_RULE_AT_CFA: snprintf(text, 32, "c%+d", offset); break;
    case RTS_RULE_IS_CFA: snprintf(text, 32, "v%+d", offset); break;
    case RTS_RULE_REGISTER: snprintf(text, 32, "%s", names[offset]); break;
    case RTS_RULE_AT_EXPRESSION: strcpy(text, "exp"); break;
    default: strcpy(text, "vexp");
    }
}

static void check_row(struct rts_rule_cache *cache, struct rts_object *object, uint64_t vaddr,
                      const char *row, char columns[4][32])
{
    const struct rts_rule *rule = NULL;
    char cfa[32] = "exp", ours[3][32];
    if (rts_rule_cache_find(cache, object, vaddr, true, &rule) != RTS_RULE_FOUND)
        fail_msg("no rule at %llx, readelf: %s", (unsigned long long)vaddr, row);
    /* What the code itself says of a signal's frame, CFI says by expressions. */
    if (rule->signal_frame == RTS_RULE_SIGNAL_CODE) {
        for (int i = 0; i < 4; i++)
            assert_string_equal(columns[i], "exp");
        return;
    }
    if (!rule->cfa_is_expression)
        snprintf(cfa, sizeof cfa, "%s%+d", names[rule->cfa_register], rule->cfa_offset);
    describe(rule, 3, ours[0]);
    describe(rule, 6, ours[1]);
    describe(rule, rule->return_column, ours[2]);
    assert_int_equal(rule->return_column, 16);
    bool same = strcmp(cfa, columns[0]) == 0 && strcmp(ours[2], columns[3]) == 0;
    for (int i = 0; i < 2; i++)
        /* For a register that is not saved yet readelf says undefined; the ABI says kept. */
        same =
            same && strcmp(ours[i], strcmp(columns[i + 1], "u") == 0 ? "s" : columns[i + 1]) == 0;
    if (!same)
        fail_msg("at %llx: %s %s %s %s, readelf: %s", (unsigned long long)vaddr, cfa, ours[0],
                 ours[1], ours[2], row);
}

static int check_file(const char *path)
{
    char *script = oracle_file(reader, sizeof reader - 1);
    char *answer = oracle_ask("python3 %s %s", script, path);
    struct rts_object *object = rts_object_open(open(path, O_RDONLY | O_CLOEXEC), path, NULL, NULL);
    assert_non_null(object);
    struct rts_rule_cache *cache = rts_rule_cache_create(rts_architecture_native());
    int rows = 0;
    char *position = NULL;
    for (char *row = strtok_r(answer, "\n", &position); row;
         row = strtok_r(NULL, "\n", &position)) {
        unsigned long long first, last;
        char columns[4][32];
        assert_int_equal(sscanf(row, "%llx %llx %31s %31s %31s %31s", &first, &last, columns[0],
                                columns[1], columns[2], columns[3]),
                         6);
        check_row(cache, object, first, row, columns);
        check_row(cache, object, last, row, columns);
        rows++;
    }
    rts_rule_cache_destroy(cache);
    rts_object_destroy(object);
    oracle_file_done(script);
    free(answer);
    return rows;
}

static bool find_library(const char *name, char path[512])
{
    FILE *maps = fopen("/proc/self/maps", "r");
    bool found = false;
    char line[1024];
    while (!found && fgets(line, sizeof line, maps))
        found = strstr(line, name) && sscanf(line, "%*s %*s %*s %*s %*s %511s", path) == 1;
    fclose(maps);
    return found;
}

/* Its file is called libc-2.31.so and the like before glibc 2.34. */
static bool find_libc(char path[512])
{
    return find_library("/libc.so", path) || find_library("/libc-2.", path);
}

#define NEEDS_READELF()                                                                            \
    do {                                                                                           \
        ORACLE_NEEDS("readelf");                                                                   \
        ORACLE_NEEDS("python3");                                                                   \
        if (rts_architecture_native() != &rts_architecture_x86_64) {                               \
            print_message("the columns are those of x86-64\n");                                    \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static void test_libc(void **state)
{
    (void)state;
    char path[512];
    NEEDS_READELF();
    assert_true(find_libc(path));
    assert_true(check_file(path) > 300);
}

static void test_libcrypto(void **state)
{
    (void)state;
    char path[512];
    NEEDS_READELF();
    assert_true(find_library("/libcrypto.so", path)); /* assembly with expressions in its CFI */
    assert_true(check_file(path) > 300);
}

static void test_this_program(void **state)
{
    (void)state;
    char path[512];
    NEEDS_READELF();
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(size > 0);
    path[size] = '\0';
    assert_true(check_file(path) > 300);
}

/* Addresses without CFI, and what is asked twice. */
static void test_cache(void **state)
{
    (void)state;
    char path[512];
    uint64_t lookups, misses;
    assert_true(find_libc(path));
    struct rts_object *object = rts_object_open(open(path, O_RDONLY | O_CLOEXEC), path, NULL, NULL);
    struct rts_rule_cache *cache = rts_rule_cache_create(rts_architecture_native());
    static const uint64_t nowhere[] = {0, 1, UINT64_MAX, UINT64_MAX - 1, 1ULL << 47, 0x100};
    const struct rts_rule *rule;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
            assert_int_equal(rts_rule_cache_find(cache, object, nowhere[i], true, &rule),
                             RTS_RULE_NO_CFI);
    rts_rule_cache_counts(cache, &lookups, &misses);
    assert_int_equal(lookups, 12);
    assert_int_equal(misses, 6);
    rts_rule_cache_destroy(cache);

    /* Another machine's rules are not made from this machine's CFI. */
    cache = rts_rule_cache_create(&rts_architecture_aarch64);
    for (uint64_t vaddr = 0x30000; vaddr < 0x31000; vaddr += 64)
        assert_int_equal(rts_rule_cache_find(cache, object, vaddr, true, &rule), RTS_RULE_NO_CFI);
    rts_rule_cache_destroy(cache);
    rts_rule_cache_destroy(NULL);
    rts_object_destroy(object);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libc),
        cmocka_unit_test(test_libcrypto),
        cmocka_unit_test(test_this_program),
        cmocka_unit_test(test_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
