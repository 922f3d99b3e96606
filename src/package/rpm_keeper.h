/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that starts rtsample-rpm, several at once and each with a time of its own, and waits
 * for none of them: one that is late is killed, and left alone where even that takes its time.
 */
#ifndef RTS_PACKAGE_RPM_KEEPER_H
#define RTS_PACKAGE_RPM_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

/* Lists that are made at the same time. */
#define RTS_RPM_JOBS_MAX 8

/* What is sent, with the files of the database. */
struct rts_rpm_order {
    uint32_t number;
    uint32_t dropped; /* 1: nobody wants the list with this number any more; the rest is empty */
    uint32_t format;  /* package/rpm_source.h */
    uint32_t padding;
    uint64_t bytes_max, wait_ms;
};

/* The answer, with the list where there is one. */
struct rts_rpm_answer {
    uint32_t number;
    uint32_t end; /* enum rts_rpm_end */
};

/* Serves the other end of `socket` until that is closed. Never returns. */
_Noreturn void rts_rpm_keeper_run(int socket, const char *lister);

#endif
