/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the object of one file, for tests that compare the answers with those of other tools:
 *
 *     object_query [-s | -r ROOT] [-p PATH] FILE        questions on stdin, one per line
 *
 * -s searches separate debug files in this system, -r below ROOT, where the file is known as PATH.
 * Addresses and offsets are in hex. Each question (see `answers`) has one line of answer, "-" where
 * there is none.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binary/object.h"
#include "unwind/text_proof.h"

/* Name, start, size, source and aliases, with tabs between; innermost first, a bar between two. */
static void answer_functions(struct rts_object *object, uint64_t vaddr)
{
    struct rts_function functions[RTS_INLINE_DEPTH_MAX + 1];
    size_t count = rts_object_functions(object, vaddr, functions, RTS_INLINE_DEPTH_MAX + 1);
    for (size_t i = 0; i < count; i++) {
        printf("%s%s\t%" PRIx64 "\t%" PRIx64 "\t%s", i ? "\t|\t" : "", functions[i].name,
               functions[i].start, functions[i].size, rts_symbol_source_name(functions[i].source));
        for (const char **alias = functions[i].aliases; alias && *alias; alias++)
            printf("\t%s", *alias);
    }
    puts(count ? "" : "-");
}

static void answer_fde(struct rts_object *object, uint64_t vaddr)
{
    uint64_t start, end;
    if (rts_object_fde_bounds(object, vaddr, &start, &end))
        printf("%" PRIx64 " %" PRIx64 "\n", start, end);
    else
        puts("-");
}

/* "handle start end" of the row that applies, for each handle. */
static void answer_cfi(struct rts_object *object, uint64_t vaddr)
{
    Dwarf_CFI *handles[] = {rts_object_eh_cfi(object), rts_object_debug_cfi(object)};
    static const char *const names[] = {"eh", "debug"};
    bool any = false;
    for (size_t i = 0; i < 2; i++) {
        Dwarf_Frame *frame;
        Dwarf_Addr start, end;
        bool is_signal;
        if (!handles[i] || dwarf_cfi_addrframe(handles[i], vaddr, &frame) != 0)
            continue;
        int ra = dwarf_frame_info(frame, &start, &end, &is_signal);
        Dwarf_Op *ops;
        size_t count;
        int cfa = dwarf_frame_cfa(frame, &ops, &count);
        printf("%s%s %" PRIx64 " %" PRIx64 " ra=%d%s cfa=", any ? "|" : "", names[i], start, end,
               ra, is_signal ? " signal" : "");
        if (cfa != 0)
            printf("none");
        else if (count == 1 && ops[0].atom == 0x92) /* DW_OP_bregx */
            printf("r%" PRIu64 "%+" PRId64, ops[0].number, (int64_t)ops[0].number2);
        else
            printf("expression");
        any = true;
        free(frame);
    }
    puts(any ? "" : "-");
}

/* "sized BYTES", "outermost" or "unknown", by Go's table. */
static void answer_go_frame(struct rts_object *object, uint64_t vaddr)
{
    uint32_t size = 0;
    switch (rts_object_go_frame(object, vaddr, &size)) {
    case RTS_GO_FRAME_SIZED: printf("sized %u\n", size); break;
    case RTS_GO_FRAME_OUTERMOST: puts("outermost"); break;
    case RTS_GO_FRAME_UNKNOWN: puts("unknown"); break;
    default: puts("-");
    }
}

/* Words that code without CFI has pushed, and how many more it may be. */
static void answer_words(struct rts_object *object, uint64_t vaddr)
{
    unsigned words, or_more;
    if (rts_text_words_pushed(rts_architecture_native(), object, vaddr, &words, &or_more))
        printf("%u %u\n", words, or_more);
    else
        puts("-");
}

static void answer_section(struct rts_object *object, uint64_t vaddr)
{
    puts(rts_object_section(object, vaddr));
}

static void answer_offset(struct rts_object *object, uint64_t offset)
{
    uint64_t vaddr;
    if (rts_object_offset_to_vaddr(object, offset, &vaddr))
        printf("%" PRIx64 "\n", vaddr);
    else
        puts("-");
}

static void answer_text(struct rts_object *object, uint64_t vaddr)
{
    uint8_t bytes[16];
    size_t count = rts_object_read_text(object, vaddr, bytes, sizeof bytes);
    for (size_t i = 0; i < count; i++)
        printf("%02x", bytes[i]);
    puts(count ? "" : "-");
}

static void answer_build_id(struct rts_object *object, uint64_t unused)
{
    const struct rts_build_id *build_id = rts_object_build_id(object);
    (void)unused;
    for (size_t i = 0; i < build_id->size; i++)
        printf("%02x", build_id->bytes[i]);
    puts(build_id->size ? "" : "-");
}

static void answer_sha256(struct rts_object *object, uint64_t unused)
{
    const char *digest = rts_object_file_sha256(object);
    (void)unused;
    puts(digest ? digest : "-");
}

/* "machine entry first-vaddr" */
static void answer_headers(struct rts_object *object, uint64_t unused)
{
    (void)unused;
    printf("%u %" PRIx64 " %" PRIx64 "\n", rts_object_machine(object), rts_object_entry(object),
           rts_object_first_vaddr(object));
}

static const struct {
    const char *question;
    void (*answer)(struct rts_object *object, uint64_t number);
} answers[] = {
    {"functions", answer_functions}, /* ADDRESS */
    {"fde", answer_fde},             /* ADDRESS */
    {"cfi", answer_cfi},             /* ADDRESS */
    {"go-frame", answer_go_frame},   /* ADDRESS */
    {"words", answer_words},         /* ADDRESS */
    {"section", answer_section},     /* ADDRESS */
    {"text", answer_text},           /* ADDRESS: up to 16 bytes */
    {"offset", answer_offset},       /* OFFSET */
    {"build-id", answer_build_id},
    {"sha256", answer_sha256},
    {"headers", answer_headers},
};

static bool answer(struct rts_object *object, const char *line)
{
    char question[16];
    uint64_t number = 0;
    if (sscanf(line, "%15s %" SCNx64, question, &number) < 1)
        return false;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (strcmp(answers[i].question, question) == 0) {
            answers[i].answer(object, number);
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    struct rts_debug_search search = {.tree = {.root_fd = -1}};
    const char *path = NULL;
    int option;
    while ((option = getopt(argc, argv, "sr:p:")) != -1) {
        if (option == '?')
            return 2;
        if (option == 'p')
            path = optarg;
        else
            search.enabled = true;
        if (option == 'r' && (search.tree.root_fd = open(optarg, O_PATH | O_DIRECTORY)) < 0) {
            perror(optarg);
            return 1;
        }
    }
    if (optind != argc - 1) {
        fprintf(stderr, "usage: object_query [-s | -r ROOT] [-p PATH] FILE <questions\n");
        return 2;
    }
    struct rts_error error;
    int fd = open(argv[optind], O_RDONLY | O_CLOEXEC);
    struct rts_object *object = rts_object_open(fd, path ? path : argv[optind], &search, &error);
    if (search.tree.root_fd >= 0)
        close(search.tree.root_fd);
    if (!object) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    char line[256];
    bool understood = true;
    while (understood && fgets(line, sizeof line, stdin))
        understood = answer(object, line);
    rts_object_destroy(object);
    return understood ? 0 : 2;
}
