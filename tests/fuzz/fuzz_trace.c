/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace of any content, through the whole of a replay. tests/fuzz/run builds it with libFuzzer or
 * AFL++ and runs it. Files are looked for below the folder RTSAMPLE_FUZZ_FILES and nowhere else, so
 * that an input gives the same on every machine, and none of them sends us through its file system.
 *
 * Built with RTS_FUZZ_MAIN it is a program that takes files instead, to replay findings.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "binary/file_search.h"
#include "session/session.h"
#include "util/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *path)
{
    struct rts_settings settings;
    struct rts_error error;
    rts_settings_init(&settings);
    settings.output = rts_strdup("/dev/null");
    settings.stats_path = rts_strdup("/dev/null");
    const char *files = getenv("RTSAMPLE_FUZZ_FILES");
    settings.symfs = files ? rts_strdup(files) : NULL;
    settings.search = RTS_SEARCH_SYMFS;
    settings.sampler.max_events_per_second = 0;
    rts_session_replay(&settings, path, &error);
    rts_settings_finish(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("trace", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    replay(path);
    close(fd);
    return 0;
}

#ifdef RTS_FUZZ_MAIN
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    return 0;
}
#endif
