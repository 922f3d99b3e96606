/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the program, one file each (cmd_*.c). Each returns the exit status. */
#ifndef RTS_COMMANDS_H
#define RTS_COMMANDS_H

#include <stdbool.h>

#include "util/error.h"

/* rtsample [OPTIONS] (-p PID[,PID...] | -a | -- COMMAND [ARG...]); argv[0] is the program. */
int rts_cmd_sample(int argc, char **argv);

/* rtsample send [OPTIONS] FILE|DIR|-...; argv[0] is "send". */
int rts_cmd_send(int argc, char **argv);

/* rtsample replay [OPTIONS] TRACE|-; argv[0] is "replay". */
int rts_cmd_replay(int argc, char **argv);

/* rtsample doctor [-p PID] [--json] [--endpoint URL]; argv[0] is "doctor". */
int rts_cmd_doctor(int argc, char **argv);

/* The name of a command that somebody who wrote `word` may have meant; NULL: there is none. */
const char *rts_command_like(const char *word);

/* Prints the text of --help, or the line of --version with what was built in. */
int rts_print_about(bool help, struct rts_error *error);

/* What was printed must have arrived: "--print-config >FILE" may be scripted against. */
int rts_flush_stdout(struct rts_error *error);

#endif
