/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker's two sides, each with anything from the other one. The first byte of the input
 * chooses: whether it is a question or an answer, what is asked, whether sizes are made to fit; the
 * second one which descriptors go along. Then come struct rts_ask or struct rts_told as they are,
 * and the text. What a worker opens is below a folder that stands for / and /proc, and beside it is
 * something that nothing may lead to. tests/fuzz/run builds it with libFuzzer and runs it.
 *
 * rts_broker_ask() is the socket here, and no process.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/channel.h"
#include "broker/memory_window.h"
#include "broker/proc.h"
#include "broker/sealed_copy.h"
#include "broker/worker.h"
#include "fuzz_folder.h"
#include "fuzz_main.h"
#include "process/look.h"
#include "process/look_state.h"

#define QUESTION   0x80u
#define FITS       0x40u
#define WHAT       0x3fu
#define PROCESSES  3
#define SECRET     "outside of everything"
#define NAMES_MAX  100
#define TEXT_LIMIT 100000

static char proc_root[80];
static int ends[2], root = -1;
static struct rts_question question;
static struct rts_memory_window *window;
static int window_fd;

/* ---- the world ---- */

static void write_file(const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", fuzz_top, name);
    fuzz_folder_write(AT_FDCWD, path, text, strlen(text));
}

static void make_folder(const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", fuzz_top, name);
    if (mkdir(path, 0755) < 0)
        abort();
}

static void make_link(const char *target, const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", fuzz_top, name);
    if (symlink(target, path) < 0)
        abort();
}

static void make_process(int pid)
{
    static const char status[] = "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapEff:\t0\nGroups:\t1 2\n";
    char path[64];
    static const char *const folders[] = {"", "/task", "/task/1", "/fd", "/ns", "/map_files"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "in/proc/%d%s", pid, folders[i]);
        make_folder(path);
    }
    snprintf(path, sizeof path, "in/proc/%d/status", pid);
    write_file(path, status);
    snprintf(path, sizeof path, "in/proc/%d/maps", pid);
    write_file(path, "1000-2000 r-xp 00000000 00:00 0 /a\n");
    snprintf(path, sizeof path, "in/proc/%d/mem", pid);
    write_file(path, "memory");
    snprintf(path, sizeof path, "in/proc/%d/mountinfo", pid);
    write_file(path, "1 1 0:1 / / rw - tmpfs none rw\n");
    snprintf(path, sizeof path, "in/proc/%d/root", pid);
    make_link("../../tree", path);
    snprintf(path, sizeof path, "in/proc/%d/exe", pid);
    make_link("../../tree/a", path);
    snprintf(path, sizeof path, "in/proc/%d/fd/0", pid);
    make_link("socket:[1]", path);
}

static void make_world(void)
{
    char path[96];
    close(fuzz_folder_make());
    write_file("secret", SECRET);
    make_folder("in");
    make_folder("in/proc");
    make_folder("in/tree");
    make_folder("in/tree/d");
    write_file("in/tree/a", "a");
    write_file("in/tree/d/b", "b");
    make_link("../../../secret", "in/tree/d/up");
    make_link("/etc/passwd", "in/tree/passwd");
    for (int pid = 1; pid <= PROCESSES; pid++)
        make_process(pid);
    snprintf(proc_root, sizeof proc_root, "%s/in/proc", fuzz_top);
    snprintf(path, sizeof path, "%s/in/tree", fuzz_top);
    window = rts_memory_window_create(&window_fd);
    root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!window || root < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        abort();
}

/* The lowest number that is free, which moves when a descriptor is left open. */
static int lowest_free(void)
{
    int fd = dup(root);
    close(fd);
    return fd;
}

/* ---- the worker's side ---- */

static void assert_is_inside(const struct rts_reply *answer, bool may_be_root)
{
    char link[64], path[4096];
    const char *text = answer->text.data;
    if (text && memmem(text, answer->text.size, SECRET, strlen(SECRET)))
        abort();
    for (size_t i = 0; i < RTS_WIRE_FDS_MAX + 1; i++) {
        if (answer->fds[i] < 0)
            continue;
        snprintf(link, sizeof link, "/proc/self/fd/%d", answer->fds[i]);
        ssize_t size = readlink(link, path, sizeof path - 1);
        path[size > 0 ? size : 0] = '\0';
        size_t length = strlen(fuzz_top);
        bool inside =
            strncmp(path, fuzz_top, length) == 0 && strncmp(path + length, "/in/", 4) == 0;
        if (!inside && !(may_be_root && strcmp(path, "/") == 0))
            abort();
    }
}

static void take_question(const uint8_t *head, size_t head_size, const uint8_t *text,
                          size_t text_size, bool fits, uint8_t files)
{
    static const struct rts_broker_setup setup = {.proc_root = proc_root,
                                                  .answer = rts_look_answer};
    struct rts_ask ask = {0};
    int fds[4] = {root, root, root, root};
    if (text_size > 4096)
        return;
    memcpy(&ask, head, head_size);
    if (fits) {
        ask.text_size = (uint32_t)text_size + 1;
        ask.pid = (int32_t)((uint32_t)ask.pid % (PROCESSES + 2));
        ask.rights.group_count %= RTS_RIGHTS_GROUPS_MAX + 1;
        ask.what %= RTS_LOOK_MAPS + 2;
    }
    /* Files of our own root are for nobody to ask for here. */
    if (ask.what == RTS_LOOK_OPEN && (ask.flags & RTS_LOOK_PLACE) >= RTS_PLACE_OUR_ROOT)
        ask.flags &= ~RTS_LOOK_PLACE;
    char sent[4097] = {0};
    memcpy(sent, text, text_size);
    const struct rts_message message = {
        .head = &ask,
        .head_size = fits ? sizeof ask : head_size,
        .text = sent,
        .text_size = text_size + fits,
        .fds = fds,
        .fd_count = fits ? 1 : files % 5,
    };
    if (rts_message_send(ends[0], &message) < 0)
        abort();
    if (rts_question_receive(ends[1], &question) <= 0)
        return;
    struct rts_reply answer;
    rts_reply_init(&answer);
    if (question.fd < 0)
        question.fd = dup(root);
    rts_worker_answer(&setup, &question, &answer);
    assert_is_inside(&answer, ask.what == RTS_LOOK_ORIGINS || ask.what == RTS_LOOK_ROOT);
    if (setfsuid((uid_t)-1) != (int)geteuid() || setfsgid((gid_t)-1) != (int)getegid())
        abort();
    if (rts_reply_send(ends[1], &answer) == 0) {
        struct rts_reply got;
        rts_reply_init(&got);
        if (rts_reply_receive(ends[0], &got, SIZE_MAX) != 1)
            abort();
        rts_reply_finish(&got);
    }
    rts_reply_finish(&answer);
    rts_question_finish(&question);
}

/* ---- the other side ---- */

static const struct rts_message *lie;

/* The worker is at no window. */
ssize_t rts_broker_memory(struct rts_broker *broker, int32_t pid, int32_t tid, uint64_t address,
                          void *bytes, size_t size)
{
    (void)broker, (void)pid, (void)tid, (void)address, (void)bytes, (void)size;
    return -1;
}

int rts_broker_ask(struct rts_broker *broker, struct rts_ask *ask, const char *text,
                   size_t text_size, int fd, size_t limit, struct rts_reply *answer)
{
    (void)broker, (void)ask, (void)text, (void)text_size, (void)fd;
    if (rts_message_send(ends[1], lie) < 0)
        abort();
    if (rts_reply_receive(ends[0], answer, limit) <= 0) {
        errno = ETIME;
        return -1;
    }
    errno = answer->told.error;
    return answer->told.error ? -1 : 0;
}

/* A descriptor of the kind that two bits say. */
static int make_fd(unsigned kind, const uint8_t *text, size_t text_size)
{
    int fd, pair[2];
    switch (kind) {
    case 0: return rts_sealed_bytes(text, text_size);
    case 1:
        fd = memfd_create("open", MFD_CLOEXEC);
        if (write(fd, text, text_size) != (ssize_t)text_size)
            abort();
        return fd;
    case 2:
        if (pipe2(pair, O_CLOEXEC) < 0)
            abort();
        close(pair[1]);
        return pair[0];
    default: return open("/proc/version", O_RDONLY | O_CLOEXEC);
    }
}

static void ask_look(const struct rts_proc *proc, unsigned what)
{
    struct rts_mapped_file file = {.path = (char *)(uintptr_t) "/lib/a.so"};
    const struct rts_mapping mapping = {.end = 4096, .kind = RTS_MAPPING_FILE, .file = &file};
    const struct rts_file_status status = {.inode = 1};
    struct rts_file_origins origins;
    struct rts_build_id build_id;
    struct rts_root_view view;
    struct rts_look look;
    switch (what % 4) {
    case 0:
        if (rts_look_open(proc, 1, &mapping, RTS_PLACE_MAP_FILES, &look) == 0)
            close(look.fd);
        else if (look.fd >= 0)
            abort();
        if (look.rights.group_count > RTS_RIGHTS_GROUPS_MAX)
            abort();
        break;
    case 1:
        rts_look_origins(proc, 1, &mapping, &status, &origins);
        if (origins.count < 1 || origins.count > RTS_FILE_ORIGINS_MAX)
            abort();
        rts_file_origins_finish(&origins);
        break;
    case 2:
        if (rts_look_build_id(proc, 1, &mapping, &build_id) &&
            build_id.size > sizeof build_id.bytes)
            abort();
        break;
    default: rts_look_root(proc, 1, &view); rts_root_view_finish(&view);
    }
}

static void assert_is_list(const struct rts_buffer *names, int count)
{
    for (const char *name = NULL; (name = rts_tree_next_name(names, name));)
        count--;
    if (count != 0 && count != -1)
        abort();
}

static void ask_tree(const struct rts_tree *tree, unsigned what)
{
    static const char *const names[] = {"a", "b", "c"};
    int fds[3], fd;
    struct rts_buffer list = RTS_BUFFER_INIT;
    struct rts_file_status status;
    switch (what % 4) {
    case 0:
        if ((fd = rts_tree_open(tree, "/a")) >= 0)
            close(fd);
        break;
    case 1:
        rts_tree_open_each(tree, "/d", names, 3, fds);
        for (size_t i = 0; i < 3; i++)
            if (fds[i] >= 0)
                close(fds[i]);
        break;
    case 2: rts_tree_status(tree, "/a", &status); break;
    default: assert_is_list(&list, rts_tree_list(tree, "/d", NAMES_MAX, &list));
    }
    rts_buffer_finish(&list);
}

static void ask_proc(const struct rts_proc *proc, unsigned what)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    char target[64], bytes[64];
    switch (what % 6) {
    case 0:
        rts_proc_read(proc, 1, "maps", TEXT_LIMIT, &text);
        if (text.size > TEXT_LIMIT)
            abort();
        break;
    case 1: assert_is_list(&text, rts_proc_list(proc, 1, "task", NAMES_MAX, &text)); break;
    case 2: assert_is_list(&text, rts_proc_links(proc, 1, "fd", NAMES_MAX, &text)); break;
    case 3:
        if (rts_proc_link(proc, 1, "exe", target, sizeof target) >= (ssize_t)sizeof target)
            abort();
        break;
    case 4: rts_proc_may_read(proc, 1, "maps"); break;
    default:
        if (rts_proc_memory(proc, 1, 0, bytes, sizeof bytes) > sizeof bytes)
            abort();
    }
    rts_buffer_finish(&text);
}

/* A window into which the worker has written this. */
static void ask_window(const uint8_t *text, size_t text_size)
{
    uint8_t bytes[256];
    uint64_t cpu_ns;
    if (text_size > 4096)
        text_size = 4096;
    if (pwrite(window_fd, text, text_size, 0) != (ssize_t)text_size)
        abort();
    if (rts_memory_window_take(window, bytes, sizeof bytes, &cpu_ns) > sizeof bytes)
        abort();
    rts_memory_window_wait(window, 0);
    rts_memory_window_reset(window);
}

static void take_answer(unsigned what, const uint8_t *head, size_t head_size, const uint8_t *text,
                        size_t text_size, bool fits, uint8_t files)
{
    struct rts_broker *nobody = (struct rts_broker *)fuzz_top;
    const struct rts_proc proc = {.broker = nobody, .root = "/nowhere"};
    const struct rts_tree tree = {.broker = nobody, .root_fd = root};
    struct rts_told told = {0};
    int fds[RTS_MESSAGE_FDS_MAX];
    size_t count = files & 0x80 ? RTS_MESSAGE_FDS_MAX : files >> 4 & 3;
    memcpy(&told, head, head_size);
    for (size_t i = 0; i < count; i++)
        fds[i] = make_fd(files >> (i % 2 * 2) & 3, text, text_size);
    bool in_fd = fits && told.text_in_fd && count > 0;
    if (fits) {
        told.error = told.error % 2 ? told.error : 0;
        told.text_in_fd = in_fd;
        told.fd_count = (uint32_t)count - in_fd;
        told.text_size = (uint32_t)text_size;
        told.rights.group_count %= RTS_RIGHTS_GROUPS_MAX + 1;
    }
    const struct rts_message message = {
        .head = &told,
        .head_size = fits ? sizeof told : head_size,
        .text = (void *)(uintptr_t)text,
        .text_size = in_fd ? 0 : text_size,
        .fds = fds,
        .fd_count = count,
    };
    lie = &message;
    if (what < 16)
        ask_tree(&tree, what);
    else if (what < 40)
        ask_proc(&proc, what);
    else if (what < 60)
        ask_look(&proc, what);
    else
        ask_window(text, text_size);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (root < 0)
        make_world();
    if (size < 3 || size > 60000)
        return 0;
    int free_before = lowest_free();
    bool is_question = data[0] & QUESTION, fits = data[0] & FITS;
    size_t head_size = is_question ? sizeof(struct rts_ask) : sizeof(struct rts_told);
    if (head_size > size - 2)
        head_size = size - 2;
    const uint8_t *text = data + 2 + head_size;
    size_t text_size = size - 2 - head_size;
    if (is_question)
        take_question(data + 2, head_size, text, text_size, fits, data[1]);
    else
        take_answer(data[0] & WHAT, data + 2, head_size, text, text_size, fits, data[1]);
    if (lowest_free() != free_before)
        abort();
    return 0;
}
