/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept out of a trace that is to leave the machine. */
#ifndef RTS_RECORDING_REDACTION_H
#define RTS_RECORDING_REDACTION_H

#include "process/process.h"

/* Kept out are paths, for which build-ids stand, where samples hit in the kernel, CPUs, registers
 * and copies of stacks; and unless they are to be kept, process and thread ids, for which the
 * numbers of instances stand, names, and the addresses that files have in processes. */
struct rts_redaction {
    bool on; /* false: nothing is kept out */
    bool keep_process, keep_addresses;
};

/* Does the trace have ids and names of processes and threads? */
bool rts_redaction_keeps_process(const struct rts_redaction *redaction);

/* Are addresses those of files, and not those of the process? */
bool rts_redaction_hides_addresses(const struct rts_redaction *redaction);

/* The id that the trace has for a process. */
int32_t rts_redaction_pid(const struct rts_redaction *redaction, const struct rts_process *process);

#endif
