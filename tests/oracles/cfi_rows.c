/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our rules, libunwind and libdw against each other over every row of the call frame information of
 * ELF files: one step out of a synthetic frame at the first address of each row (opinion.h). Prints
 * for each file how many rows there are and where the three part, by kind (kinds.c). Exit status: 0
 * when each difference is of a kind that was explained, 1 when one is not, 2 when something fails,
 * 77 when this libdw is too old.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "difference.h"
#include "unwind/rule_text.h"
#include "util/memory.h"

/* Addresses that are printed of what nobody has explained. */
#define EXAMPLES 3

/* The same difference with the same cause, counted. */
struct finding {
    struct difference difference;
    const struct kind *kind;
    const char *why[UNWINDERS]; /* of those who failed, where the outcome differs */
    uint64_t rows;
    uint64_t example[EXAMPLES];
};

struct comparison {
    const struct rts_architecture *arch;
    struct libunwind *libunwind;
    struct rts_rule_cache *cache;
    struct module module;
    struct rts_object *object;
    int wrong; /* a register of which the rules are made to say eight too much; -1: none */
    uint64_t functions, rows, alike, explained, unexplained;
    uint64_t function_end; /* of the last function that was counted */
    struct finding *findings;
    size_t finding_count, finding_capacity;
};

/* ---- counting ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_finding(const struct finding *a, const struct finding *b)
{
    bool same = a->kind == b->kind && a->difference.subject == b->difference.subject &&
                strcmp(a->difference.says, b->difference.says) == 0;
    for (int i = 0; same && i < UNWINDERS; i++)
        same = same_text(a->why[i], b->why[i]);
    return same;
}

static void count_difference(struct comparison *comparison, const struct row *row,
                             const struct difference *difference, const struct kind *kind)
{
    struct finding key = {.difference = *difference, .kind = kind};
    for (int i = 0; difference->subject == SUBJECT_OUTCOME && i < UNWINDERS; i++)
        key.why[i] = row->opinion[i].outcome == FAILED ? row->opinion[i].why : NULL;
    size_t i = 0;
    while (i < comparison->finding_count && !same_finding(&comparison->findings[i], &key))
        i++;
    if (i == comparison->finding_count) {
        comparison->findings = rts_grow(comparison->findings, i, &comparison->finding_capacity,
                                        sizeof *comparison->findings);
        comparison->findings[comparison->finding_count++] = key;
    }
    struct finding *finding = &comparison->findings[i];
    if (finding->rows < EXAMPLES)
        finding->example[finding->rows] = row->cfi.start;
    finding->rows++;
}

static void count_row(struct comparison *comparison, const struct row *row)
{
    struct difference differences[SUBJECT_OUTCOME + 1];
    size_t count = differences_of(row, comparison->arch, differences);
    bool explained = true;
    for (size_t i = 0; i < count; i++) {
        const struct kind *kind = kind_of(row, &differences[i]);
        explained = explained && kind;
        count_difference(comparison, row, &differences[i], kind);
    }
    uint64_t *number = count == 0  ? &comparison->alike
                       : explained ? &comparison->explained
                                   : &comparison->unexplained;
    ++*number;
    comparison->rows++;
    if (row->cfi.start >= comparison->function_end) {
        uint64_t start;
        comparison->functions++;
        if (!rts_object_fde_bounds(comparison->object, row->cfi.start, &start,
                                   &comparison->function_end))
            comparison->function_end = row->cfi.end;
    }
}

/* ---- asking ---- */

static void ask(struct comparison *comparison, struct row *row)
{
    struct opinion *opinion = row->opinion;
    const struct rts_architecture *arch = comparison->arch;
    libunwind_says(comparison->libunwind, comparison->object, row->cfi.start, &opinion[LIBUNWIND]);
    libdw_says(&comparison->module, arch, row->cfi.start, &opinion[LIBDW]);
    rules_say(comparison->cache, arch, comparison->object, row->cfi.start, &row->rule,
              &opinion[RULES]);
    if (comparison->wrong >= 0)
        opinion[RULES].caller.value[comparison->wrong] += 8;
}

static int open_file(struct comparison *comparison, const char *path)
{
    struct rts_error error;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "cfi_rows: %s: %s\n", path, strerror(errno));
        return -1;
    }
    comparison->object = rts_object_open(fd, path, NULL, &error);
    if (!comparison->object) {
        fprintf(stderr, "cfi_rows: %s\n", error.text);
        return -1;
    }
    if (!module_open(&comparison->module, path) || !libdw_attach(&comparison->module)) {
        fprintf(stderr, "cfi_rows: %s: libdw: %s\n", path, dwfl_errmsg(-1));
        return -1;
    }
    return 0;
}

static void close_file(struct comparison *comparison)
{
    module_close(&comparison->module);
    rts_object_destroy(comparison->object);
    free(comparison->findings);
    *comparison = (struct comparison){.arch = comparison->arch,
                                      .libunwind = comparison->libunwind,
                                      .cache = comparison->cache,
                                      .wrong = comparison->wrong};
}

/* ---- printing ---- */

static int by_rows(const void *a, const void *b)
{
    const struct finding *one = a, *other = b;
    return (one->rows < other->rows) - (one->rows > other->rows);
}

static void print_finding(const struct comparison *comparison, const struct finding *finding)
{
    static const char *const names[] = {"rules", "libunwind", "libdw"};
    printf("%10" PRIu64 "  %-18s %-8s %s  0x%" PRIx64, finding->rows,
           finding->kind ? finding->kind->name : "NOT EXPLAINED",
           subject_name(comparison->arch, finding->difference.subject), finding->difference.says,
           finding->example[0]);
    for (size_t i = 1; !finding->kind && i < EXAMPLES && i < finding->rows; i++)
        printf(" 0x%" PRIx64, finding->example[i]);
    for (int i = 0; i < UNWINDERS; i++)
        if (finding->why[i])
            printf("  %s: %s", names[i], finding->why[i]);
    putchar('\n');
}

static void print_file(struct comparison *comparison, const char *path)
{
    printf("%s: %" PRIu64 " functions, %" PRIu64 " rows; alike %" PRIu64 ", explained %" PRIu64
           ", not explained %" PRIu64 "\n",
           path, comparison->functions, comparison->rows, comparison->alike, comparison->explained,
           comparison->unexplained);
    if (comparison->finding_count > 0)
        qsort(comparison->findings, comparison->finding_count, sizeof *comparison->findings,
              by_rows);
    for (size_t i = 0; i < comparison->finding_count; i++)
        print_finding(comparison, &comparison->findings[i]);
    for (size_t i = 0; i < comparison->finding_count; i++) {
        const struct kind *kind = comparison->findings[i].kind;
        for (size_t j = 0; kind && j < i; j++)
            if (comparison->findings[j].kind == kind)
                kind = NULL;
        if (kind)
            printf("  %s: %s\n", kind->name, kind->judgement);
    }
    fflush(stdout);
}

static void print_row(const struct comparison *comparison, const struct row *row)
{
    static const char *const outcomes[] = {"stepped", "ended", "failed"};
    const struct rts_architecture *arch = comparison->arch;
    struct rts_buffer text = {0};
    if (row->rule)
        rts_rule_text(arch, row->rule, &text);
    printf("0x%" PRIx64 "..0x%" PRIx64 "  %.*s\n%-8s", row->cfi.start, row->cfi.end, (int)text.size,
           text.data ? text.data : "", "outcome");
    rts_buffer_finish(&text);
    for (int i = 0; i < UNWINDERS; i++)
        printf(" %16s", row->opinion[i].outcome == FAILED ? row->opinion[i].why
                                                          : outcomes[row->opinion[i].outcome]);
    putchar('\n');
    for (unsigned number = 0; number < arch->registers; number++) {
        if (!(difference_registers(arch) >> number & 1))
            continue;
        printf("%-8s", subject_name(arch, number));
        for (int i = 0; i < UNWINDERS; i++) {
            const struct rts_registers *caller = &row->opinion[i].caller;
            if (row->opinion[i].outcome == STEPPED && rts_register_known(caller, number))
                printf(" %16" PRIx64, caller->value[number]);
            else
                printf(" %16s", "-");
        }
        putchar('\n');
    }
}

/* ---- the program ---- */

/* Compares all rows of a file, or prints the one at `address`. */
static int compare_file(struct comparison *comparison, const char *path, const char *address)
{
    struct row row;
    if (open_file(comparison, path) < 0)
        return 2;
    if (address) {
        if (!module_row_at(&comparison->module, strtoull(address, NULL, 16), &row.cfi)) {
            fprintf(stderr, "cfi_rows: %s: no row at %s\n", path, address);
            return 2;
        }
        ask(comparison, &row);
        print_row(comparison, &row);
        return 0;
    }
    while (module_next_row(&comparison->module, &row.cfi)) {
        ask(comparison, &row);
        count_row(comparison, &row);
    }
    print_file(comparison, path);
    return comparison->unexplained > 0 ? 1 : 0;
}

static int register_of(const struct rts_architecture *arch, const char *name)
{
    for (unsigned number = 0; number < arch->registers; number++)
        if (strcmp(subject_name(arch, number), name) == 0)
            return (int)number;
    return -1;
}

static int usage(void)
{
    fputs("Usage: cfi_rows [--wrong REGISTER] [--row HEX] FILE...\n"
          "\n"
          "  --wrong REGISTER  have the rules say eight too much of it, for a test of this test\n"
          "  --row HEX         print what each says of the row at this link-time address\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct rts_error error;
    struct comparison comparison = {.arch = rts_architecture_native(), .wrong = -1};
    const char *address = NULL;
    int next = 1, status = 0;
    for (; next + 1 < argc && argv[next][0] == '-'; next += 2) {
        if (strcmp(argv[next], "--wrong") == 0)
            comparison.wrong = register_of(comparison.arch, argv[next + 1]);
        else if (strcmp(argv[next], "--row") == 0)
            address = argv[next + 1];
        else
            return usage();
    }
    if (next >= argc || argv[next][0] == '-')
        return usage();
    if (!libdw_gives_registers())
        return 77;
    comparison.libunwind = libunwind_open(comparison.arch, &error);
    if (!comparison.libunwind) {
        fprintf(stderr, "cfi_rows: %s\n", error.text);
        return 2;
    }
    comparison.cache = rts_rule_cache_create(comparison.arch);
    for (; next < argc; next++) {
        int result = compare_file(&comparison, argv[next], address);
        status = result > status ? result : status;
        close_file(&comparison);
    }
    rts_rule_cache_destroy(comparison.cache);
    libunwind_close(comparison.libunwind);
    return status;
}
