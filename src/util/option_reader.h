/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a command line by getopt_long(3), whose complaints become errors of ours. */
#ifndef RTS_UTIL_OPTION_READER_H
#define RTS_UTIL_OPTION_READER_H

#include <getopt.h>

#include "util/error.h"

/* The end of the options, as of getopt_long(). */
#define RTS_OPTIONS_END (-1)

/* What is wrong with an option; *error says it. */
#define RTS_OPTION_WRONG '?'

/*
 * The code of the next option, with its value in optarg; RTS_OPTIONS_END when optind is at the
 * first argument that is none; RTS_OPTION_WRONG (RTS_USAGE) for one that is unknown, with the
 * nearest known one if one resembles it, or ambiguous, or lacks a value, or has one too many.
 * `letters` is what getopt_long() takes, without ":" at its beginning.
 */
int rts_option_next(int argc, char **argv, const char *letters, const struct option *options,
                    struct rts_error *error);

#endif
