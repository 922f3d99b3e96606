/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether asking this kernel for build-ids in MMAP2 records harms other recorders. A kernel that
 * writes the record of one mapping for several events in turn may leave the mark that a build-id is
 * there (PERF_RECORD_MISC_MMAP_BUILD_ID) to all that come after an event that asked, with device
 * and inode still in its place. Their readers take a device number for the length of a build-id
 * then: perf 6.1 overruns its buffer and ends.
 */
#ifndef RTS_CAPTURE_FLAG_LEAK_H
#define RTS_CAPTURE_FLAG_LEAK_H

enum rts_flag_leak {
    RTS_FLAG_LEAK_NONE,    /* only those that ask get the mark */
    RTS_FLAG_LEAK_FOUND,   /* others get it too */
    RTS_FLAG_LEAK_NO_IDS,  /* this kernel has no build-ids in records: before Linux 5.12 */
    RTS_FLAG_LEAK_UNKNOWN, /* it could not be found out */
};

/* Tries it, on the calling thread alone: events that ask and that do not, and one mapping of a file
 * in memory. The device of such a file is 0:N, so that whoever records this thread too, and is
 * misled, reads a build-id without bytes. Nothing stays behind. */
enum rts_flag_leak rts_flag_leak_try(void);

#endif
