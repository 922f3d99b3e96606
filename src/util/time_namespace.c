/* SPDX-License-Identifier: Apache-2.0 */
#include "util/time_namespace.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"

/* The first namespace, whose number is the same on all machines; it has no offset. */
#define FIRST "time:[4026531834]"

/* Offsets are of less than 146 years: Linux refuses what a timer could not hold. */
#define SECONDS_MAX (INT64_MAX / RTS_NS_PER_S / 2)

/* The text of a link to a namespace; empty when there is none. */
static void read_link(const char *proc_root, const char *name, char text[64])
{
    char path[320];
    snprintf(path, sizeof path, "%s/self/ns/%s", proc_root, name);
    ssize_t size = readlink(path, text, 63);
    text[size > 0 ? size : 0] = '\0';
}

bool rts_time_namespace_offset(const char *proc_root, int64_t *offset_ns)
{
    char own[64], children[64], path[320];
    *offset_ns = 0;
    read_link(proc_root, "time", own);
    if (own[0] == '\0' || strcmp(own, FIRST) == 0)
        return true; /* before Linux 5.6, or built without them: none has an offset */
    read_link(proc_root, "time_for_children", children);
    snprintf(path, sizeof path, "%s/self/timens_offsets", proc_root);
    RTS_FCLOSE FILE *file = strcmp(own, children) == 0 ? fopen(path, "re") : NULL;
    char line[128];
    while (file && fgets(line, sizeof line, file)) {
        long long seconds, nanoseconds;
        if (sscanf(line, "monotonic %lld %lld", &seconds, &nanoseconds) != 2)
            continue;
        if (seconds < -SECONDS_MAX || seconds > SECONDS_MAX || nanoseconds < 0 ||
            nanoseconds >= RTS_NS_PER_S)
            return false;
        *offset_ns = seconds * RTS_NS_PER_S + nanoseconds;
        return true;
    }
    return false;
}
