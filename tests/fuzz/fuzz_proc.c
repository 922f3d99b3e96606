/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc says of a process, of any content: names and paths in it are the process's own. The
 * first byte of the input chooses the file. tests/fuzz/run builds it with libFuzzer and runs it;
 * tests/fuzz/seeds.py makes what it begins with.
 */
#include <string.h>

#include "broker/rights.h"
#include "fuzz_folder.h"
#include "fuzz_main.h"
#include "process/container.h"
#include "process/maps.h"
#include "process/module_name.h"
#include "process/owner.h"
#include "process/socket.h"
#include "process/stat.h"

/* The process that has these files. */
#define PID 1

#define KINDS 7

/* Each line of maps: bounds that are some, and a name for what is mapped. */
static void ask_maps(char *text)
{
    for (char *rest = text, *next; (next = strsep(&rest, "\n"));) {
        struct rts_maps_line line;
        if (!rts_maps_parse(next, &line))
            continue;
        if (line.start >= line.end)
            abort();
        char *name = rts_module_name(line.path);
        if (name && (!*name || strchr(name, '/')))
            abort();
        free(name);
    }
}

/* Ids are hexadecimal, whoever wrote the text. */
static void take(bool found, const struct rts_container *container)
{
    if (found && (strlen(container->id) >= sizeof container->id ||
                  strspn(container->id, "0123456789abcdef") != strlen(container->id)))
        abort();
}

static struct rts_proc open_proc(void)
{
    static int root = -1;
    if (root < 0) {
        root = fuzz_folder_make();
        if (mkdirat(root, "1", 0755) < 0 || mkdirat(root, "1/fd", 0755) < 0 ||
            mkdirat(root, "1/net", 0755) < 0 || symlinkat("socket:[1]", root, "1/fd/0") < 0 ||
            symlinkat("socket:[12345]", root, "1/fd/3") < 0)
            abort();
    }
    return (struct rts_proc){.root = fuzz_top};
}

static void write_file(const char *name, const char *text)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%d/%s", fuzz_top, PID, name);
    fuzz_folder_write(AT_FDCWD, path, text, strlen(text));
}

static void ask_stat(const struct rts_proc *proc, const char *text)
{
    struct rts_process_stat stat;
    write_file("stat", text);
    if (rts_process_stat_read(proc, PID, &stat) == 0 && stat.state == '\0')
        abort();
}

static void ask_status(const struct rts_proc *proc, const char *text)
{
    struct rts_rights rights;
    uint32_t uid;
    write_file("status", text);
    bool known = rts_rights_read(proc->root, PID, &rights) == 0;
    if (rights.group_count > RTS_RIGHTS_GROUPS_MAX || !rights.foreign)
        abort();
    /* Whose rights are not known has none. */
    if (!known && (rights.reads_all || rights.uid != RTS_RIGHTS_NOBODY))
        abort();
    rts_process_uid_read(proc, PID, &uid);
    rts_process_of_thread(proc, PID);
}

static void ask_sockets(const struct rts_proc *proc, const char *text)
{
    char place[RTS_SOCKET_TEXT_SIZE];
    write_file("net/tcp", text);
    write_file("net/udp6", text);
    if (rts_socket_listening(proc, PID, place) && strnlen(place, sizeof place) == sizeof place)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rts_container container = {0};
    if (size < 1)
        return 0;
    char *text = strndup((const char *)data + 1, size - 1);
    const struct rts_proc proc = open_proc();
    switch (data[0] % KINDS) {
    case 0: ask_maps(text); break;
    case 1: take(rts_container_from_cgroup(text, &container), &container); break;
    case 2: take(rts_container_from_mountinfo(text, &container), &container); break;
    case 3: take(rts_container_from_path(text, &container), &container); break;
    case 4: ask_stat(&proc, text); break;
    case 5: ask_status(&proc, text); break;
    default: ask_sockets(&proc, text);
    }
    free(text);
    return 0;
}
