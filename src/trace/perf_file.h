/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a perf.data file is laid out (tools/perf/Documentation/perf.data-file-format.txt in the
 * kernel's tree): a header, the attributes of the events with their ids, the records, and behind
 * them one section for each feature bit of the header, in order of the bits. All numbers are in the
 * byte order of the machine that wrote it, which shows in the magic.
 *
 * While a trace of ours is being written, its header has no feature bits, and the size of the data
 * is that of the last time something was written: perf's tools read so far and no further. When it
 * is finished the size is exact and the sections follow. So of a trace without feature bits, what
 * lies beyond the size of the data are records as well, up to the last whole one.
 */
#ifndef RTS_TRACE_PERF_FILE_H
#define RTS_TRACE_PERF_FILE_H

#include <linux/perf_event.h>

#include "types.h"

#define RTS_PERF_MAGIC "PERFILE2"

/* Feature bits. */
enum rts_perf_feature {
    RTS_PERF_BUILD_ID = 2,
    RTS_PERF_OS_RELEASE = 4,
    RTS_PERF_VERSION = 5,
    RTS_PERF_ARCH = 6,
    RTS_PERF_EVENT_DESC = 12,
    RTS_PERF_CLOCK_ID = 23,
    RTS_PERF_DIR_FORMAT = 24,
    RTS_PERF_CLOCK_DATA = 29,
};

#define RTS_PERF_FEATURE_WORDS 4

/* In the list of build-ids: the entry tells how long its build-id is. */
#define RTS_PERF_MISC_BUILD_ID_SIZE (1 << 15)

/* Record types of perf's tools, beyond the kernel's. */
enum rts_perf_record {
    RTS_PERF_RECORD_FIRST = 64,
    RTS_PERF_RECORD_ATTR = 64,
    RTS_PERF_RECORD_TRACING_DATA = 66, /* data of 32 bits' size follows, in a pipe */
    RTS_PERF_RECORD_BUILD_ID = 67,
    RTS_PERF_RECORD_FINISHED_ROUND = 68,
    RTS_PERF_RECORD_AUXTRACE = 71, /* data of 64 bits' size follows */
    RTS_PERF_RECORD_EVENT_UPDATE = 78,
    RTS_PERF_RECORD_FEATURE = 80,
    RTS_PERF_RECORD_COMPRESSED = 81,
    RTS_PERF_RECORD_COMPRESSED2 = 83, /* begins with the size of its data, and is padded */
    RTS_PERF_RECORD_LAST = 255,       /* perf took twenty-odd in fifteen years: no record beyond */
};

struct rts_perf_section {
    uint64_t offset, size;
};

struct rts_perf_header {
    char magic[8];
    uint64_t size;      /* of this header */
    uint64_t attr_size; /* of one entry of `attrs`: an attr of the size it names, and a section */
    struct rts_perf_section attrs, data, event_types;
    uint64_t features[RTS_PERF_FEATURE_WORDS];
};

#endif
