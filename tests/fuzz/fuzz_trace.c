/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace of any content, through the whole of a replay. With libFuzzer, in a build folder of
 * CC=clang, configured with CFLAGS="-g -O1 -fsanitize=fuzzer-no-link,address,undefined":
 *
 *     tests/fuzz/damaged_traces.py --seeds seeds
 *     make librtsample.a
 *     clang -g -O1 -std=gnu11 -D_GNU_SOURCE -I../src -I. -fsanitize=fuzzer,address,undefined \
 *         ../tests/fuzz/fuzz_trace.c librtsample.a LIBRARIES -o fuzz_trace
 *     ./fuzz_trace -timeout=20 -rss_limit_mb=2048 corpus seeds
 *
 * Built with RTS_FUZZ_MAIN it is a program that takes files instead, to replay findings.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
