/* SPDX-License-Identifier: Apache-2.0 */
#include "process/socket.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/tree.h"
#include "util/memory.h"

/* Open files looked through, and bytes of one table: what is more is not looked at. */
#define FILES_MAX 65536
#define TABLE_MAX ((size_t)8 << 20)

/* States in the tables: a TCP socket that listens, a UDP socket without a peer. */
#define TCP_LISTENS     0x0a
#define UDP_UNCONNECTED 0x07

struct inodes {
    uint64_t *items; /* sorted */
    size_t count, capacity;
};

struct choice {
    bool found, udp, loopback, v6;
    unsigned port;
    char text[RTS_SOCKET_TEXT_SIZE];
};

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The inodes of the sockets that the process has open. */
static void read_inodes(const struct rts_proc *proc, int32_t pid, struct inodes *inodes)
{
    struct rts_buffer targets = RTS_BUFFER_INIT;
    rts_proc_links(proc, pid, "fd", FILES_MAX, &targets);
    for (const char *target = NULL; (target = rts_tree_next_name(&targets, target));) {
        uint64_t inode;
        if (sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1)
            continue;
        inodes->items =
            rts_grow(inodes->items, inodes->count, &inodes->capacity, sizeof *inodes->items);
        inodes->items[inodes->count++] = inode;
    }
    rts_buffer_finish(&targets);
    if (inodes->count > 0)
        qsort(inodes->items, inodes->count, sizeof *inodes->items, by_number);
}

/* An address as the tables have it: 32-bit words in the byte order of the machine, in hexadecimal.
 */
static bool parse_address(const char *hex, struct choice *choice)
{
    uint32_t words[4];
    size_t count = strlen(hex) / 8;
    if (strlen(hex) % 8 || (count != 1 && count != 4))
        return false;
    for (size_t i = 0; i < count; i++)
        if (sscanf(hex + 8 * i, "%8" SCNx32, &words[i]) != 1)
            return false;
    char address[INET6_ADDRSTRLEN];
    choice->v6 = count == 4;
    if (!inet_ntop(choice->v6 ? AF_INET6 : AF_INET, words, address, sizeof address))
        return false;
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    const uint8_t *bytes = (const uint8_t *)words;
    if (choice->v6)
        choice->loopback = memcmp(words, &in6addr_loopback, sizeof words) == 0 ||
                           (memcmp(bytes, mapped, sizeof mapped) == 0 && bytes[12] == 127);
    else
        choice->loopback = bytes[0] == 127;
    snprintf(choice->text, sizeof choice->text, choice->v6 ? "[%s]:%u" : "%s:%u", address,
             choice->port);
    return true;
}

static bool is_better(const struct choice *a, const struct choice *b)
{
    if (!b->found)
        return true;
    if (a->udp != b->udp)
        return b->udp;
    if (a->loopback != b->loopback)
        return b->loopback;
    if (a->port != b->port)
        return a->port < b->port;
    if (a->v6 != b->v6)
        return b->v6;
    return strcmp(a->text, b->text) < 0;
}

static void read_table(const struct rts_proc *proc, int32_t pid, const char *name,
                       const struct inodes *inodes, struct choice *best)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    char path[16];
    snprintf(path, sizeof path, "net/%s", name);
    rts_proc_read(proc, pid, path, TABLE_MAX, &text);
    char *rest = text.data;
    bool udp = name[0] == 'u';
    for (const char *line; (line = strsep(&rest, "\n"));) {
        struct choice found = {.found = true, .udp = udp};
        char hex[33];
        unsigned state;
        uint64_t inode;
        /* sl: local:port remote:port st queues timer retransmits uid timeout inode */
        if (sscanf(line, "%*u: %32[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %" SCNu64, hex,
                   &found.port, &state, &inode) != 4)
            continue;
        if (state != (udp ? UDP_UNCONNECTED : TCP_LISTENS) || found.port > 65535 ||
            !bsearch(&inode, inodes->items, inodes->count, sizeof inode, by_number))
            continue;
        if (parse_address(hex, &found) && is_better(&found, best))
            *best = found;
    }
    rts_buffer_finish(&text);
}

bool rts_socket_listening(const struct rts_proc *proc, int32_t pid, char text[RTS_SOCKET_TEXT_SIZE])
{
    static const char *const tables[] = {"tcp", "tcp6", "udp", "udp6"};
    struct inodes inodes = {0};
    struct choice best = {0};
    read_inodes(proc, pid, &inodes);
    for (size_t i = 0; inodes.count > 0 && i < sizeof tables / sizeof *tables; i++)
        read_table(proc, pid, tables[i], &inodes, &best);
    free(inodes.items);
    if (best.found)
        memcpy(text, best.text, sizeof best.text);
    return best.found;
}
