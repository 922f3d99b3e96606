/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at a process from outside: what it has mapped, and in which file trees that lies. All of
 * it may wait for the process or for its file systems; so the broker does it, where there is one.
 */
#ifndef RTS_PROCESS_LOOK_H
#define RTS_PROCESS_LOOK_H

#include "broker/proc.h"
#include "broker/wire.h"
#include "process/file_origin.h"
#include "process/mapped_file.h"
#include "process/maps_text.h"

/* A mapped file that was opened. */
struct rts_look {
    int fd; /* owned by the caller; -1: not opened */
    struct rts_mapped_found found;
    struct rts_rights rights; /* of the process */
};

/* rts_mapped_file_open() with the rights that the process has now. Returns 0, or -1 with errno:
 * ETIME when there was no answer in time. */
int rts_look_open(const struct rts_proc *proc, int32_t view, const struct rts_mapping *mapping,
                  enum rts_file_place place, struct rts_look *look);

/* rts_file_origins_find() for what was opened. Where nobody answers it is as of a process that is
 * gone: our own tree, and nothing certain. */
void rts_look_origins(const struct rts_proc *proc, int32_t view, const struct rts_mapping *mapping,
                      const struct rts_file_status *file, struct rts_file_origins *origins);

/* rts_maps_query_build_id(). */
bool rts_look_build_id(const struct rts_proc *proc, int32_t view, const struct rts_mapping *mapping,
                       struct rts_build_id *build_id);

/* rts_maps_text_read(). */
int rts_look_maps(const struct rts_proc *proc, int32_t view, const struct rts_maps_wanted *wanted,
                  struct rts_maps_text *text);

/* rts_root_view_open(). */
void rts_look_root(const struct rts_proc *proc, int32_t view, struct rts_root_view *root);

/* Answers such questions in the broker (struct rts_broker_setup). */
void rts_look_answer(const char *proc_root, struct rts_question *question,
                     struct rts_reply *answer);

#endif
