/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the program, one file each (cmd_*.c). Each returns the exit status. */
#ifndef RTS_COMMANDS_H
#define RTS_COMMANDS_H

/* rtsample [OPTIONS] (-p PID[,PID...] | -a | -- COMMAND [ARG...]); argv[0] is the program. */
int rts_cmd_sample(int argc, char **argv);

/* The text of --help, and the one line of --version with what was built in. */
void rts_print_help(void);
void rts_print_version(void);

#endif
