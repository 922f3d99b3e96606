/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the program, one file each (cmd_*.c). Each returns the exit status. */
#ifndef RTS_COMMANDS_H
#define RTS_COMMANDS_H

#include <getopt.h>
#include <stdbool.h>

#include "settings/settings.h"
#include "util/error.h"

/* Their names, each with a function rts_cmd_NAME(). */
#define RTS_COMMANDS(row) row(doctor) row(replay) row(sample) row(send)

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

/* What a command does with its arguments, and with settings that have their defaults: takes the
 * options in and runs. */
typedef int rts_command_function(int argc, char **argv, const struct option *options,
                                 struct rts_settings *settings, struct rts_error *error);

/* The whole of such a command, with its own options and those that commands share: returns the exit
 * status, and says what failed. */
int rts_command_run(int argc, char **argv, const struct option *own, rts_command_function *run);

/* Prints the text of --help, or the line of --version with what was built in. */
int rts_print_about(bool help, struct rts_error *error);

/* What was printed must have arrived: "--print-config >FILE" may be scripted against. */
int rts_flush_stdout(struct rts_error *error);

#endif
