/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"

/* The parent of all kernel threads, itself one. */
#define KTHREADD 2

/* "NSpid:" lists its pid in our namespace first and in its own last. */
static void take_inner_pids(const char *text, struct rts_process_identity *identity)
{
    char *end;
    for (long pid; (pid = strtol(text, &end, 10)), end != text; text = end) {
        identity->inner_pid = (int32_t)pid;
        identity->pid_depth++;
    }
}

static void take_name(const char *text, struct rts_process_identity *identity)
{
    snprintf(identity->name, sizeof identity->name, "%.*s", (int)strcspn(text, "\n"), text);
}

static void take_field(const char *field, const char *text, struct rts_process_identity *identity)
{
    long number = strtol(text, NULL, 10);
    if (strcmp(field, "Name") == 0)
        take_name(text, identity);
    else if (strcmp(field, "State") == 0)
        identity->state = *text;
    else if (strcmp(field, "Tgid") == 0)
        identity->group = (int32_t)number;
    else if (strcmp(field, "Pid") == 0)
        identity->pid = (int32_t)number;
    else if (strcmp(field, "PPid") == 0)
        identity->is_kernel = number == KTHREADD || identity->pid == KTHREADD;
    else if (strcmp(field, "VmSize") == 0)
        identity->is_kernel = false; /* it has memory of its own */
    else if (strcmp(field, "Kthread") == 0)
        identity->is_kernel = number == 1; /* newer kernels tell */
    else if (strcmp(field, "Uid") == 0)
        sscanf(text, "%*u %u", &identity->user);
    else if (strcmp(field, "NSpid") == 0)
        take_inner_pids(text, identity);
    else if (strcmp(field, "Threads") == 0)
        identity->threads = number;
    else if (strcmp(field, "NoNewPrivs") == 0)
        identity->no_new_privileges = number == 1;
}

static bool read_status(struct rts_process_identity *identity, const char *folder)
{
    char path[320], line[512];
    snprintf(path, sizeof path, "%s/status", folder);
    RTS_FCLOSE FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!colon)
            continue;
        *colon++ = '\0';
        identity->known = true;
        take_field(line, colon + strspn(colon, " \t"), identity);
    }
    return identity->known;
}

void rts_process_identity_read(struct rts_process_identity *identity, const char *proc_root,
                               const char *name)
{
    static const char *const names[RTS_NAMESPACE_COUNT] = {"user", "pid", "mnt"};
    char folder[288], path[320];
    *identity = (struct rts_process_identity){0};
    snprintf(folder, sizeof folder, "%s/%s", proc_root, name);
    if (!read_status(identity, folder))
        return;
    for (int i = 0; i < RTS_NAMESPACE_COUNT; i++) {
        struct stat status;
        snprintf(path, sizeof path, "%s/ns/%s", folder, names[i]);
        identity->namespaces[i] = stat(path, &status) == 0 ? status.st_ino : 0;
    }
}

bool rts_process_identity_runs(const struct rts_process_identity *identity)
{
    return identity->known && identity->state != 'Z' && identity->state != 'X' &&
           !identity->is_kernel && identity->group == identity->pid;
}
